//! One publication, many subscribers on different transports.

use throughline::protocol::Transport;

use crate::client::Client;
use crate::gateway::{Running, within_patience};

#[tokio::test]
async fn every_subscriber_gets_every_publication_in_order_on_any_transport() {
    let gateway = Running::start().await;
    let mut readers = Vec::new();
    for kind in Transport::ALL.into_iter().cycle().take(9) {
        let (mut reader, leg) = Client::online(&gateway, kind).await;
        reader.subscribe(leg, "c").await;
        readers.push((reader, leg));
    }
    let (mut writer, writing) = Client::online(&gateway, Transport::WebSocket).await;
    (1..=200).for_each(|number| writer.push(format!("{{\"pub\":\"c\",\"data\":{number}}}")));
    writer.flush(writing).await;
    let reading = readers.into_iter().map(|(mut reader, leg)| async move {
        let mut lines = Vec::new();
        for _ in 0..200 {
            lines.push(reader.next(leg).await.line().to_owned());
        }
        lines
    });
    let all = within_patience(futures::future::join_all(reading)).await;
    for (number, line) in (1..).zip(&all[0]) {
        assert_eq!(*line, format!("{{\"pub\":\"c\",\"at\":{number},\"data\":{number}}}"));
    }
    assert!(all.iter().all(|lines| *lines == all[0]));
}

#[tokio::test]
async fn publishers_on_every_transport_share_one_order() {
    let gateway = Running::start().await;
    let mut clients = Vec::new();
    for kind in Transport::ALL {
        let (mut client, leg) = Client::online(&gateway, kind).await;
        client.subscribe(leg, "c").await;
        clients.push((client, leg));
    }
    let work = clients.into_iter().map(|(mut client, leg)| async move {
        for number in 0..40 {
            client.publish(leg, "c", &number.to_string()).await;
        }
        let mut lines = Vec::new();
        while lines.len() < 120 {
            lines.push(client.next(leg).await.line().to_owned());
        }
        lines
    });
    let all = within_patience(futures::future::join_all(work)).await;
    assert!(all.iter().all(|lines| *lines == all[0]));
}
