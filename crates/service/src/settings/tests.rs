//! Layers, errors and the reference, with files and environments as text.

use super::*;

fn sources(file: &str, dot_env: &str, environment: &[(&str, &str)], flags: &[(&str, &str)]) -> Sources {
    let home = [("HOME", "/home/a")];
    Sources {
        file: Some(("flowcatcher.toml".into(), file.into())),
        dot_env: Some(dot_env.into()),
        environment: home.iter().chain(environment).copied().collect(),
        flags: flags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
    }
}

fn load(file: &str, dot_env: &str, environment: &[(&str, &str)], flags: &[(&str, &str)]) -> Loaded {
    Settings::load(&sources(file, dot_env, environment, flags)).expect("good settings")
}

fn refused(file: &str, dot_env: &str, environment: &[(&str, &str)], flags: &[(&str, &str)]) -> String {
    Settings::load(&sources(file, dot_env, environment, flags)).expect_err("bad settings").to_string()
}

const VARIABLE: &str = "FLOWCATCHER__METER__ACTIVE_S";

#[test]
fn a_later_layer_wins_over_an_earlier() {
    let (file, dot_env) = ("[meter]\nactive_s = 1\nidle_tcp_s = 9", "FLOWCATCHER__METER__ACTIVE_S=2");
    let (environment, flags) = ([(VARIABLE, "3")], [("meter.active_s", "4")]);
    let check = |loaded: Loaded, expected: u32, origin: &str| {
        assert_eq!(loaded.settings.meter.active_s, expected);
        let listing = loaded.listing();
        let shown = listing.iter().find(|shown| shown.key.name == "meter.active_s").expect("listed");
        assert_eq!(shown.origin.as_deref().unwrap_or_default(), origin);
    };
    check(load("", "", &[], &[]), 120, "");
    check(load(file, "", &[], &[]), 1, "meter.active_s in flowcatcher.toml");
    check(load(file, dot_env, &[], &[]), 2, "FLOWCATCHER__METER__ACTIVE_S in .env");
    check(load(file, dot_env, &environment, &[]), 3, "FLOWCATCHER__METER__ACTIVE_S in the environment");
    let all = load(file, dot_env, &environment, &flags);
    assert_eq!(all.settings.meter.idle_tcp_s, 9);
    check(all, 4, "meter.active_s on the command line");
}

#[test]
fn everything_that_is_wrong_is_named_with_its_place_at_once() {
    let text = refused(
        "data_dirs = 'x'\ngateway = 5\n[meter]\nflows_max = -1\n[meter.deep]\nx = 1",
        "FLOWCATCHER__GATEWAY__LISEN=a",
        &[("FLOWCATCHER__LOG__FORMAT", "xml")],
        &[("nothing.like.it", "1")],
    );
    for line in [
        "data_dirs in flowcatcher.toml: there is no such key; did you mean data_dir?",
        "gateway in flowcatcher.toml: there is no such key",
        "meter.deep.x in flowcatcher.toml: there is no such key",
        "meter.flows_max in flowcatcher.toml: -1 is not a whole number",
        "FLOWCATCHER__GATEWAY__LISEN in .env: there is no such key; did you mean gateway.listen?",
        "FLOWCATCHER__LOG__FORMAT in the environment: \"xml\" is not text or json",
        "nothing.like.it on the command line: there is no such key; `flowcatcher config` lists",
    ] {
        assert!(text.lines().any(|there| there.starts_with(line)), "{line} is not in\n{text}");
    }
    assert!(refused("[meter", "", &[], &[]).starts_with("flowcatcher.toml: TOML parse error at line 1"));
}

#[test]
fn settings_that_do_not_fit_say_what_to_do() {
    let check = |flags: &[(&str, &str)], expected: &str| {
        let text = refused("", "", &[], flags);
        assert!(text.contains(expected), "{text}");
    };
    check(&[("gateway.listen", "0.0.0.0:5000")], "set gateway.token to a secret");
    check(&[("gateway.token", "short")], "fewer than 16 characters");
    check(&[("bus.capacity", "0")], "bus.capacity is 0; set it to 1 or more");
    check(&[("log.level", "store=loud")], "write error, warn, info");
    let token = [("gateway.listen", "0.0.0.0:5000"), ("gateway.token", "0123456789abcdef")];
    let loaded = load("", "", &[], &token);
    assert!(!format!("{loaded:?}").contains("0123456789abcdef"));
    assert!(loaded.listing().iter().all(|shown| !shown.value.contains("0123456789abcdef")));
}

#[test]
fn short_names_are_understood_or_said_to_be_ignored() {
    let url =
        |environment: &[(&str, &str)], file: &str| load(file, "", environment, &[]).settings.store_url();
    assert_eq!(url(&[], ""), "sqlite:///home/a/.local/share/flowcatcher/flowcatcher.db");
    assert_eq!(url(&[("DATABASE_URL", "sqlite:///x.db")], "[store]\nurl = 'sqlite://y.db'"), "sqlite://x.db");
    let both = [("SQLALCHEMY_DATABASE_URI", "sqlite:///s.db"), ("DATABASE_URL", "sqlite:///d.db")];
    assert_eq!(url(&both, ""), "sqlite://d.db");
    let long = [("DATABASE_URL", "sqlite:///d.db"), ("FLOWCATCHER__STORE__URL", "sqlite://l.db")];
    assert_eq!(url(&long, ""), "sqlite://l.db");

    let loaded = load("", "KAFKA_TOPIC=p\nOTHER=1", &[("ES_HOST", "e"), ("KAFKA_TOPIC", "")], &[]);
    assert_eq!(loaded.warnings.len(), 1);
    assert!(loaded.warnings[0].ends_with("ES_HOST, KAFKA_TOPIC"), "{:?}", loaded.warnings);
    let secret = load("", "DATABASE_URL=postgresql+psycopg2://u:pw@h/d", &[], &[]);
    let listing = secret.listing();
    let shown = listing.iter().find(|shown| shown.key.name == "store.url").expect("listed");
    assert_eq!(shown.value, "postgresql://u:***@h/d");
}

#[test]
fn the_data_folder_is_set_or_the_users() {
    let named = load("data_dir = '/srv/a?b'", "", &[("XDG_DATA_HOME", "/x")], &[]);
    assert_eq!(named.settings.data_dir(), Path::new("/srv/a?b"));
    assert_eq!(named.settings.store_url(), "sqlite:///srv/a%3Fb/flowcatcher.db");
    let nowhere = Settings::load(&Sources::default()).expect_err("nowhere to write");
    assert!(nowhere.to_string().contains("set data_dir"));
}

#[test]
fn every_key_can_be_set_to_its_default_by_file_and_variable() {
    let keys = reference();
    assert!(keys.len() > 30);
    for key in keys {
        assert!(key.meaning.ends_with('.'), "{}", key.name);
        let variable = key.variable();
        let loaded = load("", "", &[(variable.as_str(), key.default.as_str())], &[]);
        assert!(
            loaded.listing().iter().any(|shown| shown.key == key && shown.origin.is_some()),
            "{variable}"
        );
    }
}

/// The table is printed by the example `configuration`.
#[test]
fn the_documentation_has_every_key() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    let text = std::fs::read_to_string(&path).expect("docs/configuration.md is there");
    for key in reference() {
        assert!(text.contains(&key.row()), "docs/configuration.md lacks this line:\n{}", key.row());
    }
}
