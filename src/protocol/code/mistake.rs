//! What a peer did wrong. The same again would be refused again.

use super::super::id::{BadChannelName, BadSecret};
use super::super::{LegNumber, Seq, Transport, VERSION, WEBSOCKET_VERSION, limits};

/// A peer's mistake.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Mistake {
    /// A frame is no JSON object with a verb. Holds what the parser says.
    #[error("not a frame: {0}")]
    NotAFrame(String),
    /// A frame is not UTF-8.
    #[error("a frame must be UTF-8")]
    NotUtf8,
    /// A frame holds a line break.
    #[error("a frame is one line: it holds a raw CR or LF")]
    LineBreak,
    /// A binary message has no line.
    #[error("a binary message is a line, a newline and the bytes; the newline is missing")]
    NoNewline,
    /// A frame has a verb that is not known.
    #[error("unknown verb {0:?}")]
    UnknownVerb(String),
    /// A frame with this verb has no number.
    #[error("no number in {0}")]
    NoNumber(String),
    /// A frame of the gateway with this verb cannot be read.
    #[error("a broken {0}")]
    BrokenFrame(String),
    /// An `ack` states that the next line has the number 0.
    #[error("ack.next counts from 1")]
    NextIsZero,
    /// A hello cannot be read.
    #[error("hello: {0}")]
    Hello(#[from] BadHello),
    /// A hello names no session.
    #[error(transparent)]
    Secret(#[from] BadSecret),
    /// No channel can have the name.
    #[error(transparent)]
    Channel(#[from] BadChannelName),
    /// A subscription goes on from where no channel can stand.
    #[error("since is {{epoch, at}} as an ok or a publication told it")]
    Since,
    /// A publication has no content, or several.
    #[error(transparent)]
    Payload(#[from] BadPayload),
    /// The client withdrew a line since the gateway refused it as `bad_frame`.
    #[error("the client withdrew this request, because the gateway could not read it")]
    WithdrewUnreadable,
    /// The client withdrew a line for another reason.
    #[error("the client withdrew this request, for a reason that this gateway does not know")]
    Withdrew,

    /// A body is empty.
    #[error("an empty body; a hello must come first")]
    EmptyBody,
    /// A body begins with another frame.
    #[error("the first line of a body must be a hello")]
    BodyWithoutHello,
    /// A body has a further hello.
    #[error("a body has one hello, its first line")]
    SecondHello,
    /// A body ended early.
    #[error("the body broke off")]
    BrokenBody,
    /// A body took longer than it may.
    #[error("the body came too slowly: it has 20 s, and 1 s more for each 1,000 bytes that have come")]
    SlowBody,

    /// A socket begins with another frame.
    #[error("the first frame on a socket must be a hello")]
    SocketWithoutHello,
    /// A hello names another session than the one before it on this socket.
    #[error("a socket carries one session; this hello names another")]
    OtherSession,
    /// A hello names another leg than the one before it on this socket.
    #[error("a hello for leg {named} on the socket of leg {leg}")]
    OtherLeg {
        /// The leg in the hello.
        named: LegNumber,
        /// The leg that the socket carries.
        leg: LegNumber,
    },
    /// A request attaches a leg by another transport.
    #[error("leg {leg} is carried by {transport}")]
    OtherTransport {
        /// The leg.
        leg: LegNumber,
        /// Its transport.
        transport: Transport,
    },
    /// A hello without an id brings numbered lines.
    #[error("numbered lines with a hello that carries no id")]
    LinesWithoutId,
    /// A socket brings a numbered line whose number is not known.
    #[error("a numbered line before any ack stated its number on this leg")]
    Unnumbered,
    /// A number was left out.
    #[error("line {next} is announced, {received} was received")]
    Gap {
        /// The number that the client states.
        next: Seq,
        /// The highest that came.
        received: Seq,
    },
    /// The client acknowledges what it never got.
    #[error("received {received} is more than the {sent} that were sent")]
    BeyondSent {
        /// The number that the client states.
        received: Seq,
        /// The highest that the gateway sent.
        sent: Seq,
    },
    /// A request is for the application, and there is none.
    #[error("no application stands behind this gateway to answer that")]
    NoApplication,

    /// Bytes on a socket break RFC 6455.
    #[error("not WebSocket: {0}")]
    WebSocket(&'static str),
    /// A request for a WebSocket lacks what makes it one.
    #[error("not a WebSocket upgrade: {0}")]
    Upgrade(#[from] BadUpgrade),
    /// A request is for a WebSocket of another version.
    #[error("this gateway speaks version {version} of WebSocket, and the request asks for another", version = WEBSOCKET_VERSION)]
    WebSocketVersion,
    /// A query has a parameter of this name more than once.
    #[error("the query has `{0}` more than once")]
    Repeated(String),
    /// A parameter of this name is no text in percent-encoding.
    #[error("`{0}` in the query {1}")]
    Parameter(String, BadText),
    /// A request states several ids of a last event.
    #[error("a request has one Last-Event-ID, and this one has several")]
    SeveralLastIds,
    /// A control request has no nonce.
    #[error("a control request has ?nonce= of 1 to 64 printable ASCII characters")]
    NoNonce,
    /// A route does not answer this method.
    #[error("this route answers another method")]
    Method,
    /// No route has this path.
    #[error("{0}")]
    NothingHere(String),
    /// The host is not listed.
    #[error("the host {0:?} is neither loopback nor listed; the operator can add it with --origin")]
    Host(String),
    /// A request names several hosts.
    #[error("a request has one host, and this one has several")]
    SeveralHosts,
    /// The target of a request names another host than its `Host`.
    #[error("the target names the host {target:?}, and Host names {host:?}")]
    OtherHost {
        /// The host in the target.
        target: String,
        /// The host in the field.
        host: String,
    },
    /// The target of a request has another scheme.
    #[error("a target is a path, or a URL of http or https")]
    Target,
    /// A request names several origins.
    #[error("a request has one origin, and this one has several")]
    SeveralOrigins,
    /// The page's origin is not listed.
    #[error("pages of {0:?} are not allowed here; the operator can add them with --origin")]
    Origin(String),
    /// Another machine asks for what only this one may see.
    #[error("figures are told to this machine only")]
    Remote,
    /// A proxy asks for what only this machine may see. Holds the header that shows it.
    #[error("figures are told to this machine only, and the header {0} says that a proxy asks")]
    Proxied(String),
}

/// Why a hello cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadHello {
    /// It is no object with the keys of a hello. Holds what the parser says.
    #[error("{0}")]
    Keys(String),
    /// It is of another version of the protocol.
    #[error("this gateway speaks version {version}", version = VERSION)]
    Version,
    /// The leg's number is out of bounds.
    #[error("leg must be from 1 to 2^31 - 1")]
    Leg,
    /// The turn is out of bounds.
    #[error("turn must be from 1 to 2^31 - 1")]
    Turn,
    /// The number of a line is out of bounds.
    #[error("received must be from 0, next from 1, both below 2^53")]
    Numbers,
    /// A wish is out of bounds.
    #[error("heartbeat_ms and hold_ms must be below 2^53")]
    Wishes,
    /// The report of the client is too long.
    #[error("client is longer than 512 bytes")]
    Report,
    /// It names no incarnation, and yet received something from it.
    #[error("received must be 0 in a hello without an id")]
    ReceivedWithoutId,
    /// The token is no string, or too long. Its text is a secret all the same.
    #[error("token must be a string of at most {limit} bytes", limit = limits::TOKEN_BYTES)]
    Token,
}

/// Why a request does not become a WebSocket.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadUpgrade {
    /// `Connection` does not ask for an upgrade.
    #[error("its Connection header does not say upgrade")]
    Connection,
    /// `Upgrade` does not ask for a WebSocket.
    #[error("its Upgrade header does not say websocket")]
    Protocol,
    /// A field is missing.
    #[error("it has no {0}")]
    Missing(String),
    /// A field stands twice.
    #[error("it has more than one {0}")]
    Repeated(String),
    /// The key has another form.
    #[error("its Sec-WebSocket-Key is not 16 bytes in base64")]
    Key,
    /// The request has a body. A server between might take that for frames.
    #[error("it has a body")]
    Body,
    /// The server cannot give the connection away.
    #[error("this connection cannot become a socket")]
    Fixed,
}

/// Why a parameter is no text in percent-encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadText {
    /// A percent sign stands alone.
    #[error("has a % without two hexadecimal digits behind it; a % itself is %25")]
    Escape,
    /// Its bytes are not UTF-8.
    #[error("is not UTF-8")]
    NotUtf8,
}

/// Why a publication has no content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadPayload {
    /// There is none.
    #[error("data or b64 is missing")]
    Missing,
    /// There are several.
    #[error("data, b64 and bytes exclude each other")]
    Several,
    /// It is broken.
    #[error("b64 is not base64")]
    NotBase64,
}
