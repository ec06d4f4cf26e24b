// Pieces of davit.toml to start from; the wizard shows them and the Configuration page can append them.

/** What lets davit merge in a repository. */
export const MERGE_SNIPPET = `[repository.merge]                 # leave it out, and davit merges nothing
label = "merge"
required = ["davit/ci/*"]
`

export const SNIPPETS = {
  forge: `[[forge]]
id = "github"
kind = "github"                    # github | gitlab | gitea | gitee | generic
api_url = "https://api.github.com"
token = { env = "GITHUB_TOKEN" }
webhook_secret = { env = "GITHUB_WEBHOOK_SECRET" }
`,
  host: `[[environment]]
key = "production"
name = "Production"

[[host]]
name = "web-1"
kind = "ssh"                       # or "local"
address = "10.0.0.11"
user = "deploy"
labels = ["web"]
environments = ["production"]
`,
  app: `[[app]]
key = "shop"
name = "Shop"
repository = { forge = "github", name = "acme/shop" }

[[app.release]]
environment = "production"
hosts = { labels = ["web"] }
deploy_path = "/var/www/shop"
releases_path = "/data/davit"
keep = 5
hooks.after_checkout = "npm ci && npm run build"
hooks.after_release = "systemctl --user restart shop"
`,
  channel: `[[channel]]
id = "releases"
kind = "slack"                     # dingtalk | wecom | feishu | slack | mattermost | email | sms | webhook
url = { env = "SLACK_URL" }
language = "en"                    # or "zh"
events = ["review_requested", "succeeded", "failed", "rolled_back"]   # leave it out for all
`,
  identity: `[[identity]]
id = "sso"
kind = "oidc"                      # or "ldap"
name = "Acme SSO"
issuer = "https://login.example.com"
client_id = "davit"
client_secret = { env = "SSO_CLIENT_SECRET" }
role = "none"                      # of new accounts; groups and grants give more

[identity.groups]
"release-managers" = "leads"       # their group = the group here
`,
  repository: `[[repository]]
forge = "github"
name = "acme/shop"                 # runs .davit/workflows, .github/workflows or .gitea/workflows
executor = "sandbox"               # "host" has no walls, and needs trusted = true

[repository.secrets]
NPM_TOKEN = { env = "NPM_TOKEN" }

${MERGE_SNIPPET}`,
} as const

export type SnippetName = keyof typeof SNIPPETS

/** A signed push as the generic hook takes it with its usual settings. */
export function signedRequest(hookUrl: string): string {
  return `BODY='{"repository":{"full_name":"acme/shop"},"ref":"refs/heads/main","after":"<the full SHA>"}'
SIGNATURE=$(printf %s "$BODY" | openssl dgst -sha256 -hmac "$WEBHOOK_SECRET" | sed 's/^.* //')
curl --fail-with-body -H 'Content-Type: application/json' \\
  -H "X-Signature: sha256=$SIGNATURE" --data "$BODY" ${hookUrl}
`
}

export function isSnippetName(name: unknown): name is SnippetName {
  return typeof name === 'string' && Object.hasOwn(SNIPPETS, name)
}
