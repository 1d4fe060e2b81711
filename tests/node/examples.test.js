// @ts-check
/**
 * The examples for operators run unchanged in the real programs, except for names, ports and certificates.
 * Behind each proxy every transport carries messages through TLS, and the figures are not public.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { printed, startChild } from '../browser/child.js';
import { makeDirectory } from '../browser/directory.js';
import { PROGRAM, startGateway } from '../browser/gateway.js';
import { freePort, hostOf, OWN_PATH, startProxy } from '../proxies/foreground.js';

/** A program that prints the message from each transport, and the answer of `/metrics`. */
const CLIENT = `
  import { connect } from '${new URL('../../client-js/src/index.js', import.meta.url)}';
  import { WebSocket } from '${import.meta.resolve('ws')}';

  const [url] = process.argv.slice(1);
  const heard = {};
  for (const transport of ['websocket', 'sse', 'poll']) {
    const connection = connect(url + '/rt', { transports: [transport], WebSocket });
    const channel = connection.channel(transport);
    const message = new Promise((resolve) => channel.on('message', resolve));
    await channel.subscribed;
    await channel.publish('by ' + transport);
    heard[transport] = (await message).data;
    connection.close();
  }
  const { status } = await fetch(url + '/metrics');
  console.log(JSON.stringify({ ...heard, metrics: status }));
`;

/** @param {string} path */
const read = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

/**
 * Returns an example with this machine's values. Each replaced value must be in the example, or the test
 * would check something else.
 * @param {string} path
 * @param {Record<string, string>} values
 */
function filled(path, values) {
  let text = read(path);
  for (const [own, value] of Object.entries(values)) {
    assert.ok(text.includes(own), `${path} no longer holds ${own}`);
    text = text.replaceAll(own, value);
  }
  return text;
}

/** @typedef {import('../proxies/foreground.js').Place & { tls: number, gateway: string }} Place */

/**
 * Describes each program's start in the foreground, and the configuration around its example.
 * @type {Record<string, { args: (directory: string) => string[], env?: (directory: string) => Record<string, string>, configure: (place: Place) => string }>}
 */
const PROXIES = {
  nginx: {
    args: (directory) => ['-p', directory, '-c', 'nginx.conf', '-e', 'error.log'],
    configure: ({ port, token, tls, gateway }) => `
      daemon off;
      master_process off;
      pid nginx.pid;
      error_log error.log notice;
      events {}
      http {
        access_log off;
        client_body_temp_path body;
        proxy_temp_path proxy;
        fastcgi_temp_path fastcgi;
        uwsgi_temp_path uwsgi;
        scgi_temp_path scgi;
        server { listen 127.0.0.1:${port}; location = ${OWN_PATH} { return 200 "${token}"; } }
        ${filled('examples/nginx.conf', {
          '127.0.0.1:8080;': `${gateway};`,
          'listen 443': `listen 127.0.0.1:${tls}`,
          '/etc/ssl/example.org.pem': `${certificate}/cert.pem`,
          '/etc/ssl/example.org.key': `${certificate}/key.pem`,
        })}
      }`,
  },
  haproxy: {
    args: (directory) => ['-db', '-f', `${directory}/haproxy.conf`],
    configure: ({ port, token, tls, gateway }) => `
${filled('examples/haproxy.cfg', {
  'server gateway 127.0.0.1:8080': `server gateway ${gateway}`,
  'bind :443': `bind 127.0.0.1:${tls}`,
  '/etc/haproxy/example.org.pem': `${certificate}/both.pem`,
})}
frontend own
  bind 127.0.0.1:${port}
  http-request return status 200 content-type text/plain string "${token}" if { path ${OWN_PATH} }
`,
  },
  caddy: {
    // Caddy stores its last configuration there.
    env: (directory) => ({ XDG_CONFIG_HOME: directory }),
    args: (directory) => ['run', '--config', `${directory}/caddy.conf`, '--adapter', 'caddyfile'],
    configure: ({ port, token, tls, gateway, directory }) => `
{
	admin off
	auto_https disable_redirects
	storage file_system ${directory}
}
http://127.0.0.1:${port} {
	respond ${OWN_PATH} ${token}
}
${filled('examples/Caddyfile', {
  'example.org {': `https://127.0.0.1:${tls} {\n\ttls ${certificate}/cert.pem ${certificate}/key.pem`,
  'reverse_proxy 127.0.0.1:8080': `reverse_proxy ${gateway}`,
})}`,
  },
};

/** @type {Awaited<ReturnType<typeof startGateway>>} */
let gateway;
/** @type {Awaited<ReturnType<typeof makeDirectory>>} */
let directory;
/** The path of the certificate. */
let certificate = '';

before(async () => {
  gateway = await startGateway(['serve', '--listen', '127.0.0.1:0']);
  directory = await makeDirectory('certificate');
  certificate = directory.path;
  const file = (/** @type {string} */ name) => `${certificate}/${name}`;
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=throughline'],
      ...['-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', file('key.pem'), '-out', file('cert.pem')],
    ],
    { stdio: 'pipe' },
  );
  writeFileSync(
    file('both.pem'),
    ['cert.pem', 'key.pem'].map((name) => readFileSync(file(name), 'utf8')).join(''),
  );
});
after(async () => {
  await gateway?.stop();
  await directory?.remove();
});

for (const [name, { args, env: environment, configure }] of Object.entries(PROXIES))
  test(`behind the example for ${name} every transport works through TLS, and /metrics is 404`, async () => {
    const tls = await freePort();
    const proxy = await startProxy({
      name,
      args,
      env: environment,
      configure: (place) => configure({ ...place, tls, gateway: hostOf(gateway.url) }),
    });
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: `${certificate}/cert.pem` };
    const client = startChild(
      process.execPath,
      ['--input-type=module', '--eval', CLIENT, `https://127.0.0.1:${tls}`],
      { env },
    );
    const late = setTimeout(client.stop, 30_000);
    try {
      const [line] = await printed(client, /^{.*}$/m);
      assert.deepEqual(JSON.parse(line), {
        websocket: 'by websocket',
        sse: 'by sse',
        poll: 'by poll',
        metrics: 404,
      });
    } finally {
      clearTimeout(late);
      await client.stop();
      await proxy.stop();
    }
  });

test('systemd finds nothing wrong with the unit', () => {
  const unit = `${directory.path}/throughline.service`;
  writeFileSync(unit, filled('ops/throughline.service', { '/usr/local/bin/throughline': PROGRAM }));
  const { error, status, stderr } = spawnSync('systemd-analyze', ['verify', unit], { encoding: 'utf8' });
  assert.ifError(error);
  // systemd only warns of an unknown key, and still succeeds.
  assert.deepEqual([status, stderr], [0, '']);
});
