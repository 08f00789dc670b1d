//! The examples of the documents run as they stand, one document after the other, against a demo marketplace.

use std::path::Path;
use std::process::Command;

use crate::binary::{Server, haat};

/// Where examples say the demo listens.
const DEMO: &str = "http://127.0.0.1:8080";
/// A refusal fails an example, and so does every command of a pipe.
const PRELUDE: &str = "set -euo pipefail\ncurl() { command curl --fail-with-body \"$@\"; }\n";

#[test]
fn examples_do_what_they_say() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut documents: Vec<_> = std::fs::read_dir(root.join("docs/api")).unwrap().map(|e| e.unwrap().path()).collect();
    documents.push(root.join("README.md"));
    documents.sort();
    let folder = tempfile::tempdir().unwrap();
    // Links in answers name the port that was asked for.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server = Server::start(&mut haat(folder.path(), &["demo", "--days", "0", "--listen", &format!("127.0.0.1:{port}")]));
    let mut ran = 0;
    for document in documents {
        let examples = examples(&std::fs::read_to_string(&document).unwrap());
        if examples.is_empty() {
            continue;
        }
        let script = format!("{PRELUDE}{}", examples.replace(DEMO, &server.url));
        let output = Command::new("bash").args(["-c", &script]).current_dir(folder.path()).output().unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{}:\n{said}", document.display());
        ran += 1;
    }
    assert!(ran >= 6, "{ran} documents had examples");
}

/// The blocks of `sh`, in their order; what is not to be run as it stands is `bash`.
fn examples(document: &str) -> String {
    document.split("```sh\n").skip(1).filter_map(|rest| rest.split_once("```").map(|(block, _)| block)).collect()
}
