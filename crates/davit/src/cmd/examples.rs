//! What `--help` and the manual show of each command in use. A test runs every one through the command line's own parser.

pub(crate) const DEPLOY: &str = "\
Examples:
  davit deploy shop production --ref main --follow
  davit deploy shop production --commit 1a2b3c4d5e --title \"Faster search\"
  davit deploy shop production --hosts web-1,web-2 --at +2h
  davit deploy shop test --follow --json | tail -n 1";

pub(crate) const DIFF: &str = "\
Examples:
  davit diff shop production --ref main
  davit diff shop production --ref v1.4.0 --file config/app.toml";

pub(crate) const ROLLBACK: &str = "\
Examples:
  davit rollback shop production --follow
  davit releases shop production
  davit rollback shop production --to 20260131T120000Z-1a2b3c4-12";

pub(crate) const REQUESTS: &str = "\
Examples:
  davit requests --waiting-for-me
  davit requests --app shop --state failed --limit 10
  davit requests --counts
  davit requests --json | jq -r '.items[].title'";

pub(crate) const REQUEST: &str = "\
Examples:
  davit request diff 7
  davit request approve 7 --reason \"Looks good\"
  davit request release 7 --follow
  davit request retry 7 --failed";

pub(crate) const LOGS: &str = "\
Examples:
  davit logs -f 12
  davit logs 12 --host web-1 --limit 100
  davit logs 12 --search \"permission denied\" --limit 20
  davit logs 12 --lines 4000-4100
  davit logs 12 | grep -n error";

pub(crate) const DEPLOYMENT: &str = "\
Examples:
  davit deployment list --app shop --state failed
  davit deployment show 12
  davit deployment compare 12
  davit deployment compare 12 --with 9 --step 3 --host web-1
  davit deployment retry-host 12 web-3 --follow";

pub(crate) const LOCK: &str = "\
Examples:
  davit lock production --reason \"Stocktaking\" --for 2h
  davit lock production shop --reason \"A bug, see #12\"
  davit unlock production";

pub(crate) const STATUS: &str = "\
Examples:
  davit status
  davit status shop production --ask";

pub(crate) const HOSTS: &str = "\
Examples:
  davit hosts set web-1 address=10.0.0.11 user=deploy 'labels=[\"web\"]' 'environments=[\"production\"]'
  davit hosts scan-keys web-1
  davit hosts install-key web-1
  davit hosts verify
  davit hosts edit web-1";

pub(crate) const FORGES: &str = "\
Examples:
  davit secrets set github-token
  davit forges set github kind=github 'token={ secret = \"github-token\" }'
  davit forges test github
  davit forges register-hook github --repository acme/shop";

pub(crate) const CHANNELS: &str = "\
Examples:
  davit secrets set ops-url
  davit channels set ops kind=slack 'url={ secret = \"ops-url\" }' 'events=[\"failed\"]'
  davit channels test ops
  davit channels preview ops --event failed";

pub(crate) const CONFIGS: &str = "\
Examples:
  davit configs set shop production 'hosts={ labels = [\"web\"] }' deploy_path=/var/www/shop releases_path=/data/davit
  davit configs edit shop production
  davit configs dry-run shop production --ref main
  davit configs history shop production";

pub(crate) const VALUES: &str = "\
Examples:
  davit values set APP_MODE=production --app shop --environment production
  davit values set DB_PASSWORD --secret --app shop < password.txt
  davit values list --app shop --environment production";

pub(crate) const SECRETS: &str = "\
Examples:
  davit secrets set github-token
  davit secrets set github-token --stdin < token.txt";

pub(crate) const BUILDS: &str = "\
Examples:
  tar -czf build.tar.gz -C dist .
  davit builds upload shop build.tar.gz --title \"Nightly\"
  davit deploy shop test --build 3";

pub(crate) const APPLY: &str = "\
Examples:
  davit export > davit.toml
  davit apply --dry-run
  davit apply --yes --prune";

pub(crate) const DELIVERIES: &str = "\
Examples:
  davit deliveries list --verdict failed
  davit deliveries show 120 --json
  davit deliveries replay 120";

pub(crate) const OUTBOX: &str = "\
Examples:
  davit outbox list --state dead
  davit outbox retry 34";

pub(crate) const RUNS: &str = "\
Examples:
  davit runs list --branch main --state failure
  davit runs logs -f 88 --job test
  davit runs logs 88 --search panicked
  davit runs logs 88 --job test --outline
  davit runs logs 88 --job test --lines 120-
  davit runs retry 88 --failed";

pub(crate) const CHANGES: &str = "\
Examples:
  davit changes list
  davit changes show 15
  davit changes refresh 15
  davit changes merge 15";

pub(crate) const CI_REPOSITORIES: &str = "\
Examples:
  davit ci repositories
  davit ci repositories set github:acme/shop
  davit ci repositories set acme/shop memory=4GiB 'merge={ approvals = 1 }'
  davit ci repositories edit acme/shop
  davit ci repositories remove acme/shop";

pub(crate) const CI: &str = "\
Examples:
  davit ci lint
  davit ci run --job test
  davit ci start nightly.yml --ref main -f
  davit ci repositories
  davit ci workflows --repository acme/shop --ref main";

pub(crate) const FEED: &str = "\
Examples:
  davit feed --follow
  davit feed --actor ann --from 2026-01-01 --to 2026-01-31
  davit feed actions
  davit feed export --format csv --output feed.csv";

pub(crate) const USERS: &str = "\
Examples:
  davit users add ben --role developer --email ben@example.com
  davit users set ben --role none
  davit users sessions ben
  davit users end-sessions ben
  davit users disable ben";

pub(crate) const GROUPS: &str = "\
Examples:
  davit groups add shop-team
  davit groups join shop-team ben
  davit grants add --group shop-team --role releaser --scope app:shop";

pub(crate) const TOKENS: &str = "\
Examples:
  davit tokens create nightly --role releaser --scope app:shop --expires 90
  davit tokens list
  davit tokens revoke 4";

pub(crate) const ACCOUNT: &str = "\
Examples:
  davit account show
  davit account set --email ana@example.com
  davit account password
  davit account second-factor enable
  davit account sessions list";

pub(crate) const ACCOUNT_SESSIONS: &str = "\
Examples:
  davit account sessions list
  davit account sessions end 7
  davit account sessions end --all";

pub(crate) const ACCOUNT_IDENTITIES: &str = "\
Examples:
  davit account identities list
  davit account identities link chat:ops
  davit account identities unlink 3";

pub(crate) const SECOND_FACTOR: &str = "\
Examples:
  davit account second-factor enable
  davit account second-factor recovery-codes > codes.txt
  davit account second-factor disable";

pub(crate) const PROVIDERS: &str = "\
Examples:
  davit providers
  davit providers --json | jq -r '.items[].id'";

pub(crate) const ALERTS: &str = "\
Examples:
  davit alerts
  davit alerts --ended --limit 10";

pub(crate) const ARTIFACTS: &str = "\
Examples:
  davit artifacts list 88
  davit artifacts download 31
  davit artifacts download 31 --output - | tar -xzf -";

pub(crate) const CACHES: &str = "\
Examples:
  davit caches list --repository acme/shop
  davit caches remove 5";

pub(crate) const TERMINALS: &str = "\
Examples:
  davit terminals open web-1
  davit terminals list --host web-1
  davit terminals play 4 --speed 2
  davit terminals play 4 --text | less
  davit terminals download 4 --output web-1.cast";

pub(crate) const SETUP: &str = "\
Examples:
  davit setup --name ana --url https://davit.example.com
  printf '%s\\n%s\\n' \"$CODE\" \"$PASSWORD\" | davit setup --name ana --stdin";

pub(crate) const LOGIN: &str = "\
Examples:
  davit login --url https://davit.example.com
  printf '%s\\n' \"$TOKEN\" | davit login --url https://davit.example.com --token-stdin";

pub(crate) const COMPLETIONS: &str = "\
Examples:
  davit completions bash > ~/.local/share/bash-completion/completions/davit
  davit completions zsh > ~/.zfunc/_davit
  davit completions fish > ~/.config/fish/completions/davit.fish";

pub(crate) const PING: &str = "\
Examples:
  davit ping --wait 1m && davit deploy shop test";

pub(crate) const SEARCH: &str = "\
Examples:
  davit search faster search
  davit search 1a2b3c4d
  davit search '#12' --json";

pub(crate) const SERVE: &str = "\
Examples:
  davit serve --data-dir /var/lib/davit --public-url https://davit.example.com
  davit serve --config /etc/davit/davit-server.toml";

pub(crate) const ADMIN: &str = "\
Examples:
  printf '%s\\n' \"$PASSWORD\" | davit admin create-user --name ana --role admin --password-stdin
  davit admin create-token --user ana --name ci --data-dir /var/lib/davit";

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    /// The words of a line as a shell has them, up to whatever goes on elsewhere.
    fn words(line: &str) -> Option<Vec<String>> {
        let begin = line.find("davit ")?;
        let words = shlex::split(&line[begin..])?;
        Some(words.into_iter().take_while(|word| !matches!(word.as_str(), "|" | "<" | ">" | "&&")).collect())
    }

    fn examples(command: &clap::Command, found: &mut Vec<String>) {
        let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        if let Some((_, lines)) = after.split_once("Examples:\n") {
            found.extend(lines.lines().map(|line| line.trim().to_owned()));
        }
        command.get_subcommands().for_each(|subcommand| examples(subcommand, found));
    }

    #[test]
    fn every_example_is_a_good_command_line() {
        let mut found = Vec::new();
        examples(&crate::Cli::command(), &mut found);
        assert!(found.len() > 60, "{}", found.len());
        for line in found {
            // Two blanks and more lead to a remark.
            let line = line.split("   ").next().unwrap_or_default();
            let Some(words) = words(line) else { continue };
            if let Err(error) = crate::Cli::try_parse_from(&words) {
                panic!("{line}: {error}");
            }
        }
    }
}
