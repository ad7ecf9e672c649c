//! Voice `json`: one object a line, with fixed keys in a fixed order, and requests as objects.

use serde_json::{Value, json};

use crate::harness::{Client, Daemon, PASSWORD};

/// A line with what differs from run to run replaced by `*`, after a look at its form.
fn masked(line: &str) -> String {
    let mut line = line.to_owned();
    for (key, form) in [("\"at\":\"", "0000-00-00T00:00:00.000Z"), ("\"token\":\"", "")] {
        let Some(start) = line.find(key).map(|at| at + key.len()) else { continue };
        let end = start + line[start..].find('"').unwrap();
        let value = &line[start..end];
        let is_formed = match form {
            // 128 bits are at least 22 characters, in whatever alphabet.
            "" => value.len() >= 22 && value.bytes().all(|b| b.is_ascii_graphic()),
            form => value.bytes().map(|b| if b.is_ascii_digit() { b'0' } else { b }).eq(form.bytes()),
        };
        assert!(is_formed, "{line}");
        line.replace_range(start..end, "*");
    }
    line
}

fn lines_of(client: &mut Client, request: &str) -> Vec<String> {
    client.lines_of(request).iter().map(|line| masked(line)).collect()
}

#[test]
fn every_request_is_an_object_and_every_reply_has_its_shape() {
    let daemon = Daemon::start();
    let mut program = Client::connect(&daemon);
    program.ask("V json");
    let version = env!("CARGO_PKG_VERSION");
    for (request, want) in [
        (r#"{"do":"V"}"#, vec![format!(r#"{{"ok":"V","version":"{version}","voices":["en","zh","json"]}}"#)]),
        (r#"{"do":"V","voice":"json","ref":"v1"}"#, vec![r#"{"ok":"V","ref":"v1","voice":"json"}"#.into()]),
        (r#"{"ref":"u1","name":"program","do":"U"}"#, vec![r#"{"ok":"U","ref":"u1","account":"new","name":"program"}"#.into()]),
        (
            r#"{"do":"P","name":"program","password":"pass word","ref":"p1"}"#,
            vec![r#"{"ok":"P","ref":"p1","name":"program","count":1,"seq":2,"names":["program"],"token":"*"}"#.into()],
        ),
        (r#"{"do":"W","ref":"w1"}"#, vec![r#"{"ok":"W","ref":"w1","count":1,"names":["program"]}"#.into()]),
        (r#"{"do":"K","ref":"k1"}"#, vec![r#"{"ok":"K","ref":"k1"}"#.into()]),
        (r#"{"do":"k"}"#, vec![r#"{"ok":"K"}"#.into()]),
        ("K", vec![r#"{"ok":"K"}"#.into()]),
        (
            r#"{"do":"?","letter":"K","ref":"q1"}"#,
            vec![
                r#"{"item":"help","ref":"q1","do":"K","form":"K","text":"heartbeat: answered OK"}"#.into(),
                r#"{"ok":"?","ref":"q1"}"#.into(),
            ],
        ),
        (
            r#"{"do":"H","left":0,"right":2,"n":"+1","ref":"h1"}"#,
            vec![
                r#"{"item":"started","ref":"h1","room":"lobby","seq":1,"at":"*"}"#.into(),
                r#"{"ok":"H","ref":"h1","count":1,"more":true}"#.into(),
            ],
        ),
        (r#"{"do":"E","name":"program","ref":"e1"}"#, vec![r#"{"ok":"E","ref":"e1"}"#.into()]),
    ] {
        assert_eq!(lines_of(&mut program, request), want, "{request}");
    }
    assert_eq!(program.rest(), [""; 0]);
}

#[test]
fn a_token_logs_in_and_is_answered_like_a_password() {
    let daemon = Daemon::start();
    let mut program = Client::connect(&daemon);
    program.ask("V json");
    let welcome: Value = serde_json::from_str(&program.log_in("program")).unwrap();
    let mut again = Client::connect(&daemon);
    again.ask("V json");
    let request = json!({"do": "I", "token": welcome["token"], "ref": "i1"}).to_string();
    assert_eq!(again.lines_of(&request), [r#"{"ok":"I","ref":"i1","name":"program","count":1,"seq":2,"names":["program"]}"#]);
    let closing = r#"{"event":"closing","reason":"replaced","text":""#;
    assert!(program.rest().last().unwrap().starts_with(closing));
}

#[test]
fn one_hears_oneself_and_everything_else_that_happens() {
    let daemon = Daemon::start();
    let mut program = Client::program(&daemon, "program");
    let mut own = [program.lines_of(r#"{"do":"C","text":"a\nb \"q\" \\ é","ref":"r1"}"#), Vec::new()].concat();
    // The event goes out at once, the reply when it is stored; usually, but not surely, in this order.
    if own.len() == 1 {
        own.push(program.line());
    }
    own.sort();
    let event = r#"{"event":"chat","room":"lobby","seq":3,"at":"*","from":"program","text":"a\nb \"q\" \\ é","ref":"r1"}"#;
    assert_eq!([masked(&own[0]), masked(&own[1])], [event, r#"{"ok":"C","ref":"r1","seq":3}"#]);
    Client::enter(&daemon, "bob").ask("C - hi");
    assert!(daemon.announce("note").status.success());
    let items = |item: &str| {
        // Leaving and announcement come from two places; their order is not promised.
        let mut lines = [
            format!(r#"{{"{item}":"enter",RESTfrom":"bob"}}"#),
            format!(r#"{{"{item}":"chat",RESTfrom":"bob","text":"hi"}}"#),
            format!(r#"{{"{item}":"announcement",RESTtext":"note"}}"#),
            format!(r#"{{"{item}":"leave",RESTfrom":"bob"}}"#),
        ];
        lines.sort();
        lines
    };
    let in_order = |lines: Vec<String>, r#ref: &str| {
        let mut lines: Vec<String> = lines
            .iter()
            .enumerate()
            .map(|(at, line)| masked(line).replace(&format!(r#"{}"room":"lobby","seq":{},"at":"*",""#, r#ref, at + 4), "REST"))
            .collect();
        lines.sort();
        lines
    };
    let heard = (0..4).map(|_| program.line()).collect();
    assert_eq!(in_order(heard, ""), items("event"));
    let mut shown = program.lines_of(r#"{"do":"H","left":3,"ref":"h1"}"#);
    assert_eq!(shown.pop().unwrap(), r#"{"ok":"H","ref":"h1","count":4,"more":false}"#);
    assert_eq!(in_order(shown, r#""ref":"h1","#), items("item"));
    daemon.signal("TERM");
    assert_eq!(masked(&program.line()), r#"{"event":"stopping","room":"lobby","seq":8,"at":"*"}"#);
    let closing = program.json();
    assert_eq!((&closing["event"], &closing["reason"]), (&json!("closing"), &json!("shutting-down")));
    assert!(closing["retry_ms"].is_u64() && closing["text"].is_string());
    assert_eq!(program.rest(), [""; 0]);
}

#[test]
fn refusals_have_their_code_first_and_the_ref_second() {
    let daemon = Daemon::start();
    let _bob = Client::enter(&daemon, "bob");
    let mut program = Client::connect(&daemon);
    program.ask("V json");
    let check = |program: &mut Client, table: &[(&str, &str)]| {
        for (request, want) in table {
            let lines = program.lines_of(request);
            assert!(lines.len() == 1 && lines[0].starts_with(want), "{request}: {lines:?}");
            let reply: Value = serde_json::from_str(&lines[0]).unwrap();
            assert!(reply["text"].as_str().is_some_and(|text| !text.is_empty()), "{reply}");
        }
    };
    let before_login = [
        (r#"{"do":"C","text":"x","ref":"1"}"#, r#"{"err":"login-first","ref":"1","text":""#),
        ("C - x", r#"{"err":"login-first","text":""#),
        (r#"{"do":"U","name":"-x","ref":"2"}"#, r#"{"err":"bad-name","ref":"2","text":""#),
        (
            r#"{"do":"P","name":"bob","password":"wrong","ref":"3"}"#,
            r#"{"err":"wrong-password","ref":"3","tries_left":2,"text":""#,
        ),
        (r#"{"do":"I","token":"wrong","ref":"4"}"#, r#"{"err":"bad-token","ref":"4","text":""#),
        (r#"{"do":"P","name":"nobody","password":"x","ref":"5"}"#, r#"{"err":"no-such-user","ref":"5","text":""#),
    ];
    check(&mut program, &before_login);
    program.log_in("program");
    let after_login = [
        (r#"{"do":"C","name":"bob","text":"x","ref":"6"}"#, r#"{"err":"not-you","ref":"6","text":""#),
        (r#"{"do":"E","name":"bob","ref":"7"}"#, r#"{"err":"not-you","ref":"7","text":""#),
        (r#"{"do":"U","name":"bob","ref":"8"}"#, r#"{"err":"already-in","ref":"8","text":""#),
        (r#"{"do":"J","ref":"9"}"#, r#"{"err":"unknown-command","ref":"9","text":""#),
        (r#"{"do":"CC","ref":"10"}"#, r#"{"err":"unknown-command","ref":"10","text":""#),
        (r#"{"do":"C","ref":"11"}"#, r#"{"err":"usage","ref":"11","text":""#),
        (r#"{"do":"C","text":"","ref":"12"}"#, r#"{"err":"usage","ref":"12","text":""#),
        (r#"{"do":"H","left":"x","ref":"13"}"#, r#"{"err":"usage","ref":"13","text":""#),
        (r#"{"do":"H","left":-1,"ref":"14"}"#, r#"{"err":"usage","ref":"14","text":""#),
        (r#"{"do":"H","left":1.5,"ref":"15"}"#, r#"{"err":"usage","ref":"15","text":""#),
        (r#"{"do":"H","n":0,"ref":"16"}"#, r#"{"err":"usage","ref":"16","text":""#),
        (r#"{"do":"W","page":0,"ref":"17"}"#, r#"{"err":"usage","ref":"17","text":""#),
        (r#"{"do":"V","voice":"fr","ref":"18"}"#, r#"{"err":"usage","ref":"18","text":""#),
        (r#"{"do":"?","letter":"J","ref":"19"}"#, r#"{"err":"usage","ref":"19","text":""#),
        ("hello", r#"{"err":"unknown-command","text":""#),
        ("'hello", r#"{"err":"unknown-command","text":""#),
    ];
    check(&mut program, &after_login);
}

#[test]
fn what_is_no_request_object_is_bad_json() {
    let daemon = Daemon::start();
    let mut program = Client::program(&daemon, "program");
    let deep = format!(r#"{{"do":"K","x":{}"#, "[".repeat(10_000));
    let with = |rest: &str| format!(r#"{{"do":"C","text":"x",{rest}}}"#);
    for (line, echoed) in [
        ("{", None),
        ("{}", None),
        ("{]", None),
        ("{\"do\":\"K\"", None),
        ("{\"do\":\"K\",}", None),
        ("{do:\"K\"}", None),
        ("{\"do\":\"K\"} K", None),
        ("{\"do\":\"K\"}{\"do\":\"K\"}", None),
        (r#"{"do":"C","text":"\ud800"}"#, None),
        (r#"{"do":"C","text":"\x41"}"#, None),
        (&deep, None),
        (r#"{"ref":"r"}"#, Some("r")),
        (r#"{"do":3,"ref":"r"}"#, Some("r")),
        (r#"{"do":["C"],"ref":"r"}"#, Some("r")),
        (r#"{"do":null,"ref":"r"}"#, Some("r")),
        (r#"{"do":"C","text":5,"ref":"r"}"#, Some("r")),
        (r#"{"do":"C","text":["x"],"ref":"r"}"#, Some("r")),
        (r#"{"do":"C","text":"x","name":true,"ref":"r"}"#, Some("r")),
        (r#"{"do":"H","left":{},"ref":"r"}"#, Some("r")),
        (&with(r#""ref":5"#), None),
        (&with(r#""ref":"""#), None),
        (&with(&format!(r#""ref":"{}""#, "r".repeat(65))), None),
        (&with(&format!(r#""ref":"{}""#, "é".repeat(33))), None),
    ] {
        let lines = program.objects_of(line);
        assert_eq!(lines.len(), 1, "{line}: {lines:?}");
        assert_eq!((&lines[0]["err"], lines[0]["ref"].as_str()), (&json!("bad-json"), echoed), "{line}");
    }
    // The longest ref is taken, and nothing was said before.
    program.send(&with(&format!(r#""ref":"{}""#, "é".repeat(32))));
    let lines = [program.json(), program.json()];
    assert!(lines.iter().all(|line| line["seq"] == 3 && line["ref"] == "é".repeat(32)), "{lines:?}");
}

#[test]
fn control_characters_in_strings_are_refused() {
    let daemon = Daemon::start();
    let mut program = Client::connect(&daemon);
    program.ask("V json");
    let bad =
        ["\\u0000", "\\u001b[A", "\\u0007", "\\r", "\\b", "\\u007f", "\\u0085", "\\u009b", "\\u202e", "\\u2066", "\\u200f"];
    for control in bad.iter().chain(&["\\n"]) {
        for request in [
            format!(r#"{{"do":"U","name":"a{control}"}}"#),
            format!(r#"{{"do":"P","name":"a","password":"pass{control}word"}}"#),
            format!(r#"{{"do":"I","token":"a{control}"}}"#),
        ] {
            assert_eq!(program.objects_of(&request)[0]["err"], "bad-text", "{request}");
        }
    }
    program.log_in("program");
    for control in bad {
        let request = format!(r#"{{"do":"C","text":"one\n{control}","ref":"r"}}"#);
        let lines = program.objects_of(&request);
        assert_eq!((lines.len(), &lines[0]["err"], &lines[0]["ref"]), (1, &json!("bad-text"), &json!("r")), "{request}");
    }
    for control in bad.iter().chain(&["\\n", "\\t\\u0000"]) {
        let request = format!(r#"{{"do":"C","text":"one","ref":"r{control}"}}"#);
        assert!(program.objects_of(&request)[0]["err"].is_string(), "{request}");
    }
    // Newlines and tabs are text, and nothing was said before.
    program.send(r#"{"do":"C","text":"\tone\n\ttwo"}"#);
    let lines = [program.json(), program.json()];
    assert!(lines.iter().all(|line| line["seq"] == 3) && lines.iter().any(|line| line["text"] == "\tone\n\ttwo"), "{lines:?}");
}

#[test]
fn a_refusal_echoes_the_ref_where_the_bad_character_stands_unescaped() {
    let daemon = Daemon::start();
    let mut program = Client::program(&daemon, "program");
    // JSON allows these in a string as they are, and most libraries write them so.
    for bad in ['\u{7f}', '\u{85}', '\u{9b}', '\u{202e}', '\u{2066}'] {
        let request = format!(r#"{{"do":"C","text":"a{bad}b","ref":"r"}}"#);
        let lines = program.objects_of(&request);
        assert_eq!((lines.len(), &lines[0]["err"], &lines[0]["ref"]), (1, &json!("bad-text"), &json!("r")), "{request:?}");
    }
}

#[test]
fn a_long_object_holds_a_text_of_at_most_4096_bytes() {
    let daemon = Daemon::start();
    let mut listener = Client::program(&daemon, "listener");
    let mut program = Client::program(&daemon, "program");
    listener.json();
    // With escapes the line is up to six times as long as its text.
    for (unit, decoded, most) in
        [("\\u0041", "A", 2700), ("\\u00e9", "é", 2047), ("\\u4f60", "你", 1365), ("x", "x", 4095), ("\\n", "\n", 4095)]
    {
        let request = |count: usize| format!(r#"{{"do":"C","text":"a{}"}}"#, unit.repeat(count));
        program.send(&request(most));
        assert_eq!(listener.json()["text"].as_str().unwrap(), format!("a{}", decoded.repeat(most)));
        program.skip_to("{\"ok\":\"C\"");
        // Only the first of them is bounded by its line instead of its text.
        if decoded != "A" {
            program.send(&request(most + 1));
            program.skip_to("{\"err\":\"line-too-long\"");
        }
    }
    // A line over 16 KiB is skipped whole, whatever it says.
    program.send(&format!(r#"{{"do":"C","text":"{}"}}"#, "\\u0041".repeat(2800)));
    program.skip_to("{\"err\":\"line-too-long\"");
    assert_eq!(program.objects_of(r#"{"do":"K"}"#).pop().unwrap(), json!({"ok": "K"}));
}

#[test]
fn a_login_object_takes_a_password_with_blanks() {
    let daemon = Daemon::start();
    let mut program = Client::connect(&daemon);
    program.ask("V json");
    program.ask("U program");
    let request = json!({"do": "P", "name": "program", "password": format!(" {PASSWORD} ")}).to_string();
    assert_eq!(program.objects_of(&request)[0]["ok"], "P");
    let mut person = Client::connect(&daemon);
    assert!(person.ask(&format!("P program {PASSWORD}")).starts_with("ERR wrong-password"));
    assert!(person.ask(&format!("P program  {PASSWORD} ")).starts_with("OK program "));
}
