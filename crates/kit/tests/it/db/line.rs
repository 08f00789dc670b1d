//! A line to the private server that breaks at a COMMIT, where a test wants it to.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use postgres::config::Host;
use testing::Fresh;

/// What becomes of the next COMMIT; its connection ends in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// It never reaches the server, which rolls back.
    Request,
    /// The server commits, and its answer is lost.
    Answer,
    /// It reaches the server only after its outcome has been asked for this often.
    Late { asked: usize },
}

/// Where connections come in and go on to the server.
pub struct Line {
    address: SocketAddr,
    database: String,
    plan: Arc<Plan>,
}

/// What a test wants, and what was seen.
#[derive(Default)]
struct Plan {
    cut: Mutex<Option<Cut>>,
    /// Nobody gets in any more.
    is_closed: AtomicBool,
    /// How often somebody asked for the outcome of a transaction.
    asked: Mutex<usize>,
    was_asked: Condvar,
}

impl Line {
    /// To the database `fresh`.
    pub fn to(fresh: &Fresh) -> Line {
        let config: postgres::Config = fresh.url().parse().unwrap();
        let [Host::Unix(folder)] = config.get_hosts() else { panic!("the private server is elsewhere: {config:?}") };
        let socket = folder.join(".s.PGSQL.5432");
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, plan) = (listener.local_addr().unwrap(), Arc::new(Plan::default()));
        let shared = plan.clone();
        std::thread::spawn(move || {
            for client in listener.incoming() {
                if !shared.is_closed.load(Ordering::SeqCst) {
                    pass(client.unwrap(), &socket, &shared);
                }
            }
        });
        Line { address, database: config.get_dbname().unwrap().to_owned(), plan }
    }

    /// How to reach the database over this line.
    pub fn url(&self) -> String {
        format!("postgresql://postgres@{}/{}", self.address, self.database)
    }

    /// Breaks the line at the next COMMIT.
    pub fn cut(&self, cut: Cut) {
        *self.plan.cut.lock().unwrap() = Some(cut);
    }

    /// Whether nobody gets in from now on; who is in stays in.
    pub fn close(&self, is_closed: bool) {
        self.plan.is_closed.store(is_closed, Ordering::SeqCst);
    }
}

/// Connects `client` with the server, both ways.
fn pass(client: TcpStream, socket: &Path, plan: &Arc<Plan>) {
    client.set_nodelay(true).unwrap();
    let server = UnixStream::connect(socket).unwrap();
    let is_mute = Arc::new(AtomicBool::new(false));
    let down = (server.try_clone().unwrap(), client.try_clone().unwrap(), is_mute.clone());
    std::thread::spawn(move || answers(down.0, down.1, &down.2));
    let plan = plan.clone();
    std::thread::spawn(move || requests(client, server, &is_mute, &plan));
}

/// From the server to the client, until either is gone; once the line is mute the first answer ends it.
fn answers(mut server: UnixStream, mut client: TcpStream, is_mute: &AtomicBool) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = server.read(&mut buffer) {
        if is_mute.load(Ordering::SeqCst) || client.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    // Either may be gone already.
    let _ = (server.shutdown(Shutdown::Both), client.shutdown(Shutdown::Both));
}

/// From the client to the server, message by message.
fn requests(mut client: TcpStream, mut server: UnixStream, is_mute: &AtomicBool, plan: &Plan) {
    // The first message has no type.
    let mut next = message(&mut client, 0);
    while let Some(bytes) = next {
        plan.note(&bytes);
        let cut = if bytes == b"Q\0\0\0\x0bCOMMIT\0" { plan.cut.lock().unwrap().take() } else { None };
        is_mute.store(cut.is_some(), Ordering::SeqCst);
        if let Some(Cut::Late { asked }) = cut {
            let _ = client.shutdown(Shutdown::Both);
            plan.wait(asked);
        }
        if cut == Some(Cut::Request) || server.write_all(&bytes).is_err() {
            break;
        }
        if cut.is_some() {
            // The answer ends it.
            return;
        }
        next = message(&mut client, 1);
    }
    let _ = (server.shutdown(Shutdown::Both), client.shutdown(Shutdown::Both));
}

/// One message: its type, where it has one, its length, which counts itself, and the rest.
fn message(client: &mut TcpStream, type_bytes: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; type_bytes + 4];
    client.read_exact(&mut bytes).ok()?;
    let length = u32::from_be_bytes(bytes[type_bytes..].try_into().unwrap()) as usize;
    bytes.resize(type_bytes + length, 0);
    client.read_exact(&mut bytes[type_bytes + 4..]).ok()?;
    Some(bytes)
}

impl Plan {
    fn note(&self, message: &[u8]) {
        let question = b"pg_xact_status";
        if message.windows(question.len()).any(|part| part == question) {
            *self.asked.lock().unwrap() += 1;
            self.was_asked.notify_all();
        }
    }

    fn wait(&self, asked: usize) {
        drop(self.was_asked.wait_while(self.asked.lock().unwrap(), |so_far| *so_far < asked).unwrap());
    }
}
