use super::*;

/// Examples are built beside the tests: `target/debug/examples/` next to `target/debug/deps/`.
fn processes() -> Processes {
    let test = std::env::current_exe().unwrap();
    let path = test.parent().unwrap().parent().unwrap().join("examples/extract_worker");
    assert!(path.exists(), "`{}` is missing: `cargo build -p media --examples`", path.display());
    Processes::new(Program { path, arguments: Vec::new() })
}

fn read(processes: &Processes, text: &[u8]) -> Result<Extracted> {
    processes.extract("a \"quoted\"\nname.txt", Some("text/plain"), text, &Limits::default())
}

#[test]
fn a_file_is_read_apart_as_it_is_here() {
    let processes = processes();
    let text = "One — with “quotes”,\n\ntwo\tand \\ more.".as_bytes();
    let here = crate::extract_here("a.txt", None, text, &Limits::default());
    assert_eq!(read(&processes, text), here);
    assert_eq!(processes.lock().idle.len(), 1);
    assert_eq!(read(&processes, b" "), Err(Error::no_text("it is a text of nothing but space")));
    assert_eq!(processes.lock().idle.len(), 1, "a file's own fault ends no process");
}

#[test]
fn a_process_that_was_ended_is_replaced() {
    let processes = processes();
    read(&processes, b"one").unwrap();
    processes.lock().idle[0].end();
    assert_eq!(read(&processes, b"two").unwrap().text, "two");
}

#[test]
fn many_files_are_read_at_once() {
    let processes = processes();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..20)
            .map(|number| {
                let processes = &processes;
                scope.spawn(move || read(processes, format!("file {number}").as_bytes()).unwrap().text)
            })
            .collect();
        for (number, thread) in threads.into_iter().enumerate() {
            assert_eq!(thread.join().unwrap(), format!("file {number}"));
        }
    });
    let state = processes.lock();
    assert_eq!(state.busy, 0);
    assert!(state.idle.len() <= MOST_IDLE);
}

#[test]
fn no_program_is_said() {
    let processes = Processes::new(Program { path: "/nonexistent/craton".into(), arguments: Vec::new() });
    assert_eq!(read(&processes, b"text"), Err(unavailable("could not be started")));
    assert_eq!(processes.lock().busy, 0);
}

#[test]
fn a_program_that_reads_no_files_is_said() {
    let processes = Processes::new(Program { path: "/bin/true".into(), arguments: Vec::new() });
    assert_eq!(read(&processes, b"text"), Err(unavailable("was ended")));
}

#[test]
fn a_process_that_never_answers_is_ended() {
    let processes = Processes::new(Program { path: "/bin/sleep".into(), arguments: vec!["1000".into()] });
    let limits = Limits { time: Duration::from_millis(1), ..Limits::default() };
    // More than a pipe holds.
    let text = vec![b'x'; 1 << 20];
    assert_eq!(processes.extract("a.txt", None, &text, &limits), Err(Error::TooSlow { seconds: 0 }));
    assert_eq!(processes.lock().busy, 0);
}
