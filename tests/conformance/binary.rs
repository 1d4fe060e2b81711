//! Binary publications: raw on WebSocket, `b64` on the text transports, and the same bytes on all of them.

use crate::client::Client;
use crate::gateway::Running;
use crate::on_every_transport;
use crate::wire::Frame;

const BYTES: [&[u8]; 4] = [b"", b"\x00\n\r\n\xff\xfe", b"data: x\n\n", b"{\"a\":1}\n"];

on_every_transport! {
    async fn bytes_published_on_one_transport_arrive_on_all(transport) {
        let gateway = Running::start().await;
        let (mut writer, writing) = Client::online(&gateway, transport).await;
        let mut readers = Vec::new();
        for kind in Transport::ALL {
            let (mut reader, leg) = Client::online(&gateway, kind).await;
            reader.subscribe(leg, "c").await;
            readers.push((reader, leg));
        }
        for (at, bytes) in (1..).zip(BYTES) {
            writer.push(Frame::with_bytes(transport, "{\"pub\":\"c\"}", bytes));
            writer.flush(writing).await;
            for (reader, leg) in &mut readers {
                let frame = reader.next(*leg).await;
                let raw = reader.transport(*leg) == Transport::WebSocket;
                assert_eq!(matches!(frame, Frame::Binary(_)), raw, "{frame:?}");
                assert_eq!(frame.bytes(), bytes);
                assert_eq!(frame.value()["at"], at);
                assert_eq!(frame.value().get("b64").is_some(), !raw);
            }
        }
    }

    async fn a_replayed_binary_takes_the_form_of_its_new_transport(transport) {
        let gateway = Running::start().await;
        let (mut writer, writing) = Client::online(&gateway, Transport::WebSocket).await;
        let (mut reader, leg) = Client::online(&gateway, Transport::WebSocket).await;
        reader.subscribe(leg, "c").await;
        reader.kill(leg);
        writer.push(Frame::with_bytes(Transport::WebSocket, "{\"pub\":\"c\"}", BYTES[1]));
        writer.flush(writing).await;
        writer.settle(writing).await;
        let leg = reader.attach(transport).await;
        let frame = reader.next(leg).await;
        assert_eq!(matches!(frame, Frame::Binary(_)), transport == Transport::WebSocket);
        assert_eq!(frame.bytes(), BYTES[1]);
    }

    async fn b64_may_come_up_any_transport(transport) {
        let gateway = Running::start().await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        client.subscribe(leg, "c").await;
        client.push("{\"pub\":\"c\",\"b64\":\"AAr/\"}");
        client.flush(leg).await;
        assert_eq!(client.next(leg).await.bytes(), b"\x00\n\xff");
    }
}
