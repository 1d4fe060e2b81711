//! The mistakes of a peer. The gateway refuses a repetition again.

use super::super::id::{BadChannelName, BadSecret};
use super::super::{LegNumber, Seq, Transport, VERSION, WEBSOCKET_VERSION};
use super::bad_token::BadToken;

/// A peer's mistake.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Mistake {
    /// A frame is no JSON object with a verb. Holds the parser's message.
    #[error("not a frame: {0}")]
    NotAFrame(String),
    /// A frame is not UTF-8.
    #[error("a frame must be UTF-8")]
    NotUtf8,
    /// A frame contains a line break.
    #[error("a frame must be one line; this one contains a raw CR or LF")]
    LineBreak,
    /// A binary message has no line.
    #[error("a binary message is a line, a newline and the bytes; the newline is missing")]
    NoNewline,
    /// A frame has an unknown verb.
    #[error("unknown verb {0:?}")]
    UnknownVerb(String),
    /// A frame with this verb has no number.
    #[error("{0} must have a number")]
    NoNumber(String),
    /// A frame of the gateway with this verb cannot be read.
    #[error("the {0} frame cannot be read")]
    BrokenFrame(String),
    /// An `ack` states that the next line has the number 0.
    #[error("ack.next must be at least 1")]
    NextIsZero,
    /// A hello cannot be read.
    #[error("hello: {0}")]
    Hello(#[from] BadHello),
    /// The token proves no user.
    #[error("the token proves no user: {0}")]
    Token(#[from] BadToken),
    /// A hello names no session.
    #[error(transparent)]
    Secret(#[from] BadSecret),
    /// No channel can have this name.
    #[error(transparent)]
    Channel(#[from] BadChannelName),
    /// No rule matches the channel's name.
    #[error("no rule of this gateway matches that name: check the name, or add a [[channel]] table whose pattern does")]
    NoRule,
    /// The rule of the channel denies this. Holds the key of the list in the rule.
    #[error(
        "the channel's rule does not let this client do that: see the words in `{0}` of its [[channel]] table, which \
         the gateway's log names"
    )]
    Denied(&'static str),
    /// A subscription asks to go on from a place that no channel has.
    #[error("since must be {{epoch, at}}, as an ok or a publication stated it")]
    Since,
    /// A publication has no content, or several.
    #[error(transparent)]
    Payload(#[from] BadPayload),
    /// The client withdrew a line, because the gateway had refused it as `bad_frame`.
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
    /// A body has another hello.
    #[error("a body may have only one hello, its first line")]
    SecondHello,
    /// The body ended too early.
    #[error("the body broke off")]
    BrokenBody,
    /// The body took longer than it may.
    #[error("the body came too slowly: it may take 20 s, and 1 s more for each 1,000 received bytes")]
    SlowBody,

    /// A socket begins with another frame.
    #[error("the first frame on a socket must be a hello")]
    SocketWithoutHello,
    /// A hello names a session other than that of the earlier hello on this socket.
    #[error("a socket carries one session; this hello names another")]
    OtherSession,
    /// A hello names a leg other than that of the earlier hello on this socket.
    #[error("this socket carries leg {leg}; this hello names leg {named}")]
    OtherLeg {
        /// The leg in the hello.
        named: LegNumber,
        /// The leg that the socket carries.
        leg: LegNumber,
    },
    /// A request tries to attach a leg by another transport.
    #[error("leg {leg} is carried by {transport}")]
    OtherTransport {
        /// The leg.
        leg: LegNumber,
        /// Its transport.
        transport: Transport,
    },
    /// A hello without an id comes with numbered lines.
    #[error("a hello without an id must not bring numbered lines")]
    LinesWithoutId,
    /// A socket brings a numbered line before it stated a number.
    #[error("an ack must state the number of the first numbered line on this leg")]
    Unnumbered,
    /// A number is missing.
    #[error("line {next} is announced, but the last one received is {received}")]
    Gap {
        /// The number that the client states.
        next: Seq,
        /// The highest number that arrived.
        received: Seq,
    },
    /// The client acknowledges a number that it never received.
    #[error("received is {received}, but only {sent} were sent")]
    BeyondSent {
        /// The number that the client states.
        received: Seq,
        /// The highest that the gateway sent.
        sent: Seq,
    },
    /// A `bye` states a time that it may not.
    #[error("bye must be an object, and its after_ms at most 60000")]
    Bye,
    /// The client's token expired, and no fresh one came.
    #[error("the token has expired: send a fresh one in the hello of a new leg")]
    TokenExpired,
    /// A hello without a token names the session of a user.
    #[error("this session belongs to a user: send the token in the hello of a new leg")]
    NoToken,
    /// A client without a token asks for something that only users may have.
    #[error("this gateway serves users only: connect with a token")]
    SignIn,
    /// A fresh token is of another user.
    #[error("this token is of another user: close the connection, and connect again to change the user")]
    OtherUser,
    /// A request is for the application, but there is none.
    #[error("no application stands behind this gateway to answer that")]
    NoApplication,

    /// Bytes on a socket break RFC 6455.
    #[error("not WebSocket: {0}")]
    WebSocket(&'static str),
    /// A request for a WebSocket lacks something that makes it one.
    #[error("not a WebSocket upgrade: {0}")]
    Upgrade(#[from] BadUpgrade),
    /// A request is for another version of WebSocket.
    #[error("this gateway speaks version {version} of WebSocket, and the request asks for another", version = WEBSOCKET_VERSION)]
    WebSocketVersion,
    /// A query has this parameter more than once.
    #[error("the query has `{0}` more than once")]
    Repeated(String),
    /// This parameter is not percent-encoded text.
    #[error("`{0}` in the query {1}")]
    Parameter(String, BadText),
    /// A request states several values of `Last-Event-ID`.
    #[error("a request must have one Last-Event-ID; this one has several")]
    SeveralLastIds,
    /// A control request has no nonce.
    #[error("a control request needs ?nonce= with 1 to 64 printable ASCII characters")]
    NoNonce,
    /// A route does not answer this method.
    #[error("this route does not answer this method")]
    Method,
    /// No route has this path.
    #[error("{0}")]
    NothingHere(String),
    /// The host is not listed.
    #[error("the host {0:?} is neither loopback nor listed; the operator can add it with --origin")]
    Host(String),
    /// A request names several hosts.
    #[error("a request must name one host; this one names several")]
    SeveralHosts,
    /// The target of a request and its `Host` name different hosts.
    #[error("the target names the host {target:?}, and Host names {host:?}")]
    OtherHost {
        /// The host in the target.
        target: String,
        /// The host in the header.
        host: String,
    },
    /// The target of a request has another scheme.
    #[error("a request's target must be a path, or a URL of http or https")]
    Target,
    /// A request names several origins.
    #[error("a request must name one origin; this one names several")]
    SeveralOrigins,
    /// The page's origin is not listed.
    #[error("pages of {0:?} are not allowed here; the operator can add them with --origin")]
    Origin(String),
    /// Another machine asks for something that only this one may see.
    #[error("only this machine may read figures")]
    Remote,
    /// A proxy asks for something that only this machine may see. Holds the header that reveals the proxy.
    #[error("only this machine may read figures, and the header {0} shows that a proxy asks")]
    Proxied(String),
}

/// Why a hello cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadHello {
    /// It is not an object with the keys of a hello. Holds the parser's message.
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
    #[error("received must be at least 0, next at least 1, and both below 2^53")]
    Numbers,
    /// A wish is out of bounds.
    #[error("heartbeat_ms and hold_ms must be below 2^53")]
    Wishes,
    /// The client's report is too long.
    #[error("client is longer than 512 bytes")]
    Report,
    /// It names no incarnation, but states that lines were received.
    #[error("received must be 0 in a hello without an id")]
    ReceivedWithoutId,
    /// The token is not a string. The error does not show the value, because it may be a secret.
    #[error("token must be a string")]
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
    /// A header is missing.
    #[error("it has no {0}")]
    Missing(String),
    /// A header stands twice.
    #[error("it has more than one {0}")]
    Repeated(String),
    /// The key is malformed.
    #[error("its Sec-WebSocket-Key is not 16 bytes in base64")]
    Key,
    /// The request has a body. A proxy could take the body for frames.
    #[error("it has a body")]
    Body,
    /// The HTTP server cannot hand over the connection.
    #[error("this connection cannot become a socket")]
    Fixed,
}

/// Why a parameter is not percent-encoded text.
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
    /// The content is missing.
    #[error("data or b64 is missing")]
    Missing,
    /// There are several contents.
    #[error("data, b64 and bytes exclude each other")]
    Several,
    /// The base64 is broken.
    #[error("b64 is not base64")]
    NotBase64,
}
