//! A mail server that takes whatever comes, so that notifications has somebody to hand its mails to.

use std::io::{BufRead, BufReader, Result, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// It takes mails for as long as this process lives.
pub struct Courier {
    port: u16,
    taken: Arc<AtomicU64>,
}

impl Courier {
    /// On a free port.
    pub fn open() -> Result<Courier> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let courier = Courier { port: listener.local_addr()?.port(), taken: Arc::default() };
        let taken = courier.taken.clone();
        std::thread::Builder::new().name("courier".into()).spawn(move || {
            for stream in listener.incoming().flatten() {
                let taken = taken.clone();
                // A sender that dies in the middle is what a storm is for.
                std::thread::spawn(move || drop(take(stream, &taken)));
            }
        })?;
        Ok(courier)
    }

    /// How the server is told of it.
    pub fn environment(&self) -> [(&'static str, String); 4] {
        [
            ("HAAT_SERVICES__NOTIFICATIONS__SMTP__HOST", "127.0.0.1".into()),
            ("HAAT_SERVICES__NOTIFICATIONS__SMTP__PORT", self.port.to_string()),
            ("HAAT_SERVICES__NOTIFICATIONS__SMTP__SECURITY", "none".into()),
            ("HAAT_SERVICES__NOTIFICATIONS__SMTP__FROM", "haat <orders@storm.test>".into()),
        ]
    }

    /// How many mails it has taken.
    pub fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }
}

/// One sender's mails.
fn take(stream: TcpStream, taken: &AtomicU64) -> Result<()> {
    let mut answers = stream.try_clone()?;
    let mut lines = BufReader::new(stream);
    answers.write_all(b"220 storm.test\r\n")?;
    let (mut line, mut in_mail) = (Vec::new(), false);
    loop {
        line.clear();
        if lines.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let command = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        let answer: &[u8] = match (in_mail, &command[..]) {
            (true, _) if line != b".\r\n" => continue,
            (true, _) => {
                in_mail = false;
                taken.fetch_add(1, Ordering::Relaxed);
                b"250 taken\r\n"
            }
            (false, b"DATA") => {
                in_mail = true;
                b"354 go on\r\n"
            }
            (false, b"QUIT") => return answers.write_all(b"221 bye\r\n"),
            (false, _) => b"250 ok\r\n",
        };
        answers.write_all(answer)?;
    }
}
