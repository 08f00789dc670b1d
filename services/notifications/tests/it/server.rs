//! A mail server, as far as a client can tell: it speaks SMTP on a real socket.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value as Json, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufStream};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::tls::localhost;

/// What the server does with a mail.
#[derive(Clone, Copy, Debug)]
pub enum Reply {
    Take,
    /// For good, at the recipient.
    Refuse,
    /// For now, at the end.
    Busy,
    /// Goes away after the text, without a word.
    HangUp,
}

/// A mail that was taken.
#[derive(Clone, Debug)]
pub struct Taken {
    pub from: String,
    pub to: String,
    /// Headers and body as they came.
    pub data: String,
    /// Over TLS, and as whom.
    pub tls: bool,
    pub user: Option<String>,
}

type Replies = Arc<dyn Fn(&str, usize) -> Reply + Send + Sync>;

#[derive(Clone)]
pub struct Server {
    pub port: u16,
    /// The authority of its certificate, as PEM.
    pub certificate: String,
    taken: Arc<Mutex<Vec<Taken>>>,
    tried: Arc<Mutex<BTreeMap<String, usize>>>,
    replies: Replies,
    tls: TlsAcceptor,
}

impl Server {
    /// Starts one; `replies` is asked with a recipient and the number of the attempt, from 1.
    pub async fn start(replies: impl Fn(&str, usize) -> Reply + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (tls, certificate) = localhost();
        let server = Server {
            port: listener.local_addr().unwrap().port(),
            certificate,
            taken: Arc::default(),
            tried: Arc::default(),
            replies: Arc::new(replies),
            tls,
        };
        let serving = server.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let server = serving.clone();
                tokio::spawn(async move {
                    let mut plain = BufStream::new(socket);
                    if say(&mut plain, "220 fake ready").await.is_some() && server.talk(&mut plain, false).await == Some(End::StartTls) {
                        let Ok(stream) = server.tls.accept(plain.into_inner()).await else { return };
                        server.talk(&mut BufStream::new(stream), true).await;
                    }
                });
            }
        });
        server
    }

    /// The section of the configuration that leads here, in the clear.
    pub fn config(&self) -> Json {
        json!({"host": "127.0.0.1", "port": self.port, "security": "none", "from": "haat <orders@haat.test>"})
    }

    pub fn taken(&self) -> Vec<Taken> {
        self.taken.lock().unwrap().clone()
    }

    /// What was taken for an address.
    pub fn taken_for(&self, to: &str) -> Vec<Taken> {
        self.taken().into_iter().filter(|t| t.to == to).collect()
    }

    /// How often a mail to the address was begun.
    pub fn tried(&self, to: &str) -> usize {
        self.tried.lock().unwrap().get(to).copied().unwrap_or(0)
    }

    fn reply(&self, to: &str) -> Reply {
        let mut tried = self.tried.lock().unwrap();
        let number = tried.entry(to.to_owned()).or_default();
        *number += 1;
        (self.replies)(to, *number)
    }

    async fn talk<S: AsyncRead + AsyncWrite + Unpin>(&self, s: &mut BufStream<S>, tls: bool) -> Option<End> {
        let (mut from, mut to, mut reply, mut user) = (String::new(), String::new(), Reply::Take, None);
        loop {
            let line = line(s).await?;
            let (verb, rest) = line.split_once([' ', ':']).unwrap_or((&line, ""));
            match verb.to_ascii_uppercase().as_str() {
                "EHLO" if tls => say(s, "250-fake\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN").await?,
                "EHLO" => say(s, "250-fake\r\n250-8BITMIME\r\n250 STARTTLS").await?,
                "STARTTLS" => {
                    say(s, "220 go ahead").await?;
                    return Some(End::StartTls);
                }
                "AUTH" => {
                    user = Some(rest.to_owned());
                    say(s, "235 welcome").await?;
                }
                "MAIL" => {
                    from = address(rest);
                    say(s, "250 fine").await?;
                }
                "RCPT" => {
                    to = address(rest);
                    reply = self.reply(&to);
                    let refused = matches!(reply, Reply::Refuse);
                    say(s, if refused { "550 5.1.1 no such mailbox" } else { "250 fine" }).await?;
                }
                "DATA" => {
                    say(s, "354 go on").await?;
                    let data = data(s).await?;
                    match reply {
                        Reply::Take => {
                            let taken = Taken { from: from.clone(), to: to.clone(), data, tls, user: user.clone() };
                            self.taken.lock().unwrap().push(taken);
                            say(s, "250 2.0.0 taken as 17").await?;
                        }
                        Reply::Busy => say(s, "451 4.3.0 too busy, come back").await?,
                        Reply::HangUp | Reply::Refuse => return None,
                    }
                }
                "QUIT" => {
                    say(s, "221 bye").await?;
                    return Some(End::Quit);
                }
                _ => say(s, "250 fine").await?,
            }
        }
    }
}

#[derive(Debug, PartialEq)]
enum End {
    StartTls,
    Quit,
}

fn address(rest: &str) -> String {
    rest.split(['<', '>']).nth(1).unwrap_or_default().to_owned()
}

async fn say<S: AsyncRead + AsyncWrite + Unpin>(s: &mut BufStream<S>, text: &str) -> Option<()> {
    s.write_all(format!("{text}\r\n").as_bytes()).await.ok()?;
    s.flush().await.ok()
}

async fn line<S: AsyncRead + AsyncWrite + Unpin>(s: &mut BufStream<S>) -> Option<String> {
    let mut line = String::new();
    let read = s.read_line(&mut line).await.ok()?;
    (read > 0).then(|| line.trim_end().to_owned())
}

async fn data<S: AsyncRead + AsyncWrite + Unpin>(s: &mut BufStream<S>) -> Option<String> {
    let mut all = String::new();
    loop {
        let line = line(s).await?;
        if line == "." {
            return Some(all);
        }
        all.push_str(line.strip_prefix('.').unwrap_or(&line));
        all.push('\n');
    }
}
