// Package config is the only reader of the environment. Load reads it once into a struct
// and lists every problem at once; no setting's value is ever part of a message.
package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/mail"
	"net/netip"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
	"github.com/joho/godotenv"
)

// Config is every setting of Keeper. The names are those of the environment; .env.example
// documents each.
type Config struct {
	Env       string `env:"KEEPER_ENV"` // development or production
	SecretKey Secret `env:"SECRET_KEY"`

	Database Database `env:"DATABASE_URL" envDefault:"sqlite:///keeper.db"`

	KeyBackend      string  `env:"KEY_MANAGEMENT_BACKEND" envDefault:"local"` // local or kms
	MasterKey       Secret  `env:"KEEPER_MASTER_KEY"`
	MasterKeyFile   string  `env:"KEEPER_MASTER_KEY_FILE"` // default: keeper.key
	KMSKeyID        string  `env:"KMS_KEY_ID"`
	KMSKeyAlias     string  `env:"KMS_KEY_ALIAS"`
	KMSContext      JSONMap `env:"KMS_ENCRYPTION_CONTEXT"`
	KMSKeyRotation  Switch  `env:"ENABLE_KMS_KEY_ROTATION"`
	DataKeyCacheTTL Seconds `env:"KMS_DEK_CACHE_TTL" envDefault:"300"`
	KMSCacheGrace   Seconds `env:"KEEPER_KMS_CACHE_GRACE" envDefault:"900"`
	KMSRoleARN      string  `env:"KEEPER_KMS_ROLE_ARN"`
	KMSExternalID   string  `env:"KEEPER_KMS_EXTERNAL_ID"`
	KMSRate         int     `env:"KEEPER_KMS_RATE" envDefault:"500"` // calls a second of re-wraps, scrubs and migrations
	ScrubInterval   Seconds `env:"KEEPER_SCRUB_INTERVAL" envDefault:"604800"`
	ScrubRate       int     `env:"KEEPER_SCRUB_RATE" envDefault:"500"` // versions a second
	FernetKey       Secret  `env:"KEEPER_FERNET_KEY"`                  // of the older Keeper, for migrate from-fernet
	DataKeyMaxUses  int64   `env:"KEEPER_DATA_KEY_MAX_USES" envDefault:"1024"`
	DataKeyMaxAge   Seconds `env:"KEEPER_DATA_KEY_MAX_AGE" envDefault:"86400"`
	AWSRegion       string  `env:"AWS_REGION"`
	AWSAccessKeyID  Secret  `env:"AWS_ACCESS_KEY_ID"`
	AWSSecretKey    Secret  `env:"AWS_SECRET_ACCESS_KEY"`
	AWSSessionToken Secret  `env:"AWS_SESSION_TOKEN"`
	AWSEndpoint     string  `env:"AWS_ENDPOINT_URL"`
	VaultURL        string  `env:"VAULT_URL"`
	VaultToken      Secret  `env:"VAULT_TOKEN"`
	VaultMount      string  `env:"VAULT_MOUNT_POINT" envDefault:"secret"`
	// KubernetesTokenFile is where the service account's token is that signs in to Vault.
	KubernetesTokenFile string `env:"KEEPER_KUBERNETES_TOKEN_FILE" envDefault:"/var/run/secrets/kubernetes.io/serviceaccount/token"`
	OktaIssuer          string `env:"OKTA_ISSUER"`
	OktaClientID        string `env:"OKTA_CLIENT_ID"`
	OktaClientSecret    Secret `env:"OKTA_CLIENT_SECRET"`

	Host           string   `env:"KEEPER_HOST" envDefault:"127.0.0.1"`
	Port           int      `env:"KEEPER_PORT" envDefault:"8989"`
	PublicURL      string   `env:"KEEPER_PUBLIC_URL"`
	AllowedHosts   Hosts    `env:"KEEPER_ALLOWED_HOSTS"` // beside that of the public URL
	TrustedProxies Prefixes `env:"KEEPER_TRUSTED_PROXIES"`
	TLSCertFile    string   `env:"KEEPER_TLS_CERT_FILE"`
	TLSKeyFile     string   `env:"KEEPER_TLS_KEY_FILE"`
	RedirectPort   int      `env:"KEEPER_HTTP_REDIRECT_PORT"`            // 0: none
	StrangerRate   int      `env:"KEEPER_STRANGER_RATE" envDefault:"50"` // requests a second of a network that is not signed in
	MetricsToken   Secret   `env:"KEEPER_METRICS_TOKEN"`
	LogLevel       string   `env:"KEEPER_LOG_LEVEL" envDefault:"info"`
	AdminPassword  Secret   `env:"KEEPER_ADMIN_PASSWORD"`                // of the first administrator; default: made and printed once
	LocalSignIn    Switch   `env:"KEEPER_LOCAL_SIGN_IN" envDefault:"on"` // off: break-glass accounts alone sign in with a password
	SessionIdle    Seconds  `env:"KEEPER_SESSION_IDLE" envDefault:"3600"`
	SessionLife    Seconds  `env:"KEEPER_SESSION_LIFETIME" envDefault:"43200"`
	SAMLMaxAge     int      `env:"KEEPER_SAML_MAX_AGE" envDefault:"30"` // days that groups count after the last SAML sign-in
	SyncInterval   Seconds  `env:"KEEPER_SYNC_INTERVAL" envDefault:"300"`
	SyncWorkers    int      `env:"KEEPER_SYNC_WORKERS" envDefault:"8"`
	QuotaShare     float64  `env:"KEEPER_QUOTA_SHARE" envDefault:"0.8"`
	RunRetention   int      `env:"KEEPER_RUN_RETENTION_DAYS" envDefault:"30"`
	DeleteGrace    int      `env:"KEEPER_DELETE_GRACE_DAYS" envDefault:"30"`

	SMTPHost     string `env:"KEEPER_SMTP_HOST"` // of the mail server that alerts go through
	SMTPPort     int    `env:"KEEPER_SMTP_PORT" envDefault:"587"`
	SMTPUser     string `env:"KEEPER_SMTP_USER"`
	SMTPPassword Secret `env:"KEEPER_SMTP_PASSWORD"`
	SMTPFrom     string `env:"KEEPER_SMTP_FROM"`

	ServerURL string `env:"KEEPER_URL"` // for commands: the server they talk to
	Token     Secret `env:"KEEPER_TOKEN"`
	CAFile    string `env:"KEEPER_CA_FILE"` // authorities that commands trust beside the system's
}

// ServesTLS reports whether Keeper itself serves TLS.
func (c *Config) ServesTLS() bool { return c.TLSCertFile != "" }

// Production reports whether the installation guards real secrets: stricter rules hold.
func (c *Config) Production() bool { return c.Env == "production" }

// Interval is the default time between two full passes over a destination.
func (c *Config) Interval() time.Duration { return time.Duration(c.SyncInterval) }

// SlogLevel is the log level.
func (c *Config) SlogLevel() slog.Level {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.LogLevel)) // validated
	return level
}

// Problems is the list of all that is wrong with the settings.
type Problems []string

// Error lists the problems, one a line.
func (p Problems) Error() string {
	return fmt.Sprintf("%d problem(s) with the settings:\n  - %s\nSee .env.example for every setting.", len(p), strings.Join(p, "\n  - "))
}

// FromEnvironment loads the process's environment over the file .env of the working
// directory, where there is one.
func FromEnvironment() (*Config, error) {
	file, err := godotenv.Read(".env")
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, Problems{".env cannot be read: its syntax is NAME=value, a line each"}
	}
	return Load(environ(os.Environ()), file)
}

// ForClient loads the settings of a command that talks to a server, from the process's
// environment alone: a .env in whatever folder the command is run must not say where the
// token goes.
func ForClient() (*Config, error) { return Load(environ(os.Environ()), nil) }

func environ(list []string) map[string]string {
	vars := make(map[string]string, len(list))
	for _, entry := range list {
		if name, value, ok := strings.Cut(entry, "="); ok {
			vars[name] = value
		}
	}
	return vars
}

// Load reads the settings from vars, and from file what vars does not have. The error is a
// Problems with everything that is wrong.
func Load(vars, file map[string]string) (*Config, error) {
	var problems Problems
	merged := map[string]string{}
	for name, value := range file {
		if !known(name) && !strings.HasPrefix(name, "AWS_") && !strings.HasPrefix(name, "VAULT_") {
			problems = append(problems, ".env: "+name+" is not a setting of Keeper"+suggest(name))
		}
		merged[name] = value
	}
	for name, value := range vars {
		if (strings.HasPrefix(name, "KEEPER_") || strings.HasPrefix(name, "KMS_")) && !known(name) && !strings.HasPrefix(name, "KEEPER_TEST_") {
			problems = append(problems, name+" is not a setting of Keeper"+suggest(name))
		}
		merged[name] = value
	}
	problems = append(problems, mode(merged)...)
	for name, value := range merged {
		if value == "" {
			delete(merged, name) // an empty variable is one that is not set
		}
	}
	var c Config
	if err := env.ParseWithOptions(&c, env.Options{Environment: merged}); err != nil {
		problems = append(problems, parseProblems(err)...)
	}
	problems = append(problems, c.problems()...)
	if len(problems) > 0 {
		slices.Sort(problems)
		return nil, slices.Compact(problems)
	}
	return &c, nil
}

// mode settles KEEPER_ENV and its alias.
func mode(vars map[string]string) Problems {
	keeper, flask := vars["KEEPER_ENV"], vars["FLASK_ENV"]
	switch {
	case keeper == "" && flask == "":
		vars["KEEPER_ENV"] = "development"
	case keeper == "":
		vars["KEEPER_ENV"] = flask
	case flask != "" && flask != keeper:
		return Problems{"KEEPER_ENV and FLASK_ENV contradict each other; remove FLASK_ENV"}
	}
	return nil
}

// parseProblems names the settings that did not parse, without the library's text: that
// quotes the value.
func parseProblems(err error) Problems {
	var all env.AggregateError
	if !errors.As(err, &all) {
		return Problems{"the settings cannot be read"}
	}
	var problems Problems
	for _, one := range all.Errors {
		var parse env.ParseError
		if !errors.As(one, &parse) {
			problems = append(problems, "a setting cannot be read")
			continue
		}
		field, _ := reflect.TypeFor[Config]().FieldByName(parse.Name)
		reason := "is not a " + strings.ToLower(field.Type.Name())
		var own settingError
		if errors.As(parse.Err, &own) {
			reason = string(own)
		}
		problems = append(problems, field.Tag.Get("env")+" "+reason)
	}
	return problems
}

func (c *Config) problems() Problems {
	var p Problems
	add := func(bad bool, text string) {
		if bad {
			p = append(p, text)
		}
	}
	add(c.Env != "development" && c.Env != "production", "KEEPER_ENV must be development or production")
	add(c.Production() && len(c.SecretKey.Reveal()) < 32, "SECRET_KEY must be set to at least 32 random characters in production; openssl rand -hex 32 makes one")
	add(c.KeyBackend != "local" && c.KeyBackend != "kms", "KEY_MANAGEMENT_BACKEND must be local or kms")
	add(c.KeyBackend == "kms" && c.KMSKeyID == "" && c.KMSKeyAlias == "", "KEY_MANAGEMENT_BACKEND=kms needs KMS_KEY_ID or KMS_KEY_ALIAS")
	add(c.KeyBackend == "kms" && c.AWSRegion == "", "KEY_MANAGEMENT_BACKEND=kms needs AWS_REGION")
	add(c.KMSKeyAlias != "" && !strings.HasPrefix(c.KMSKeyAlias, "alias/") && !strings.HasPrefix(c.KMSKeyAlias, "arn:"), "KMS_KEY_ALIAS must begin with alias/")
	add(c.MasterKey.Set() && c.MasterKeyFile != "", "KEEPER_MASTER_KEY and KEEPER_MASTER_KEY_FILE contradict each other; keep one")
	add(c.AWSAccessKeyID.Set() != c.AWSSecretKey.Set(), "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY belong together; one is missing")
	for name := range c.KMSContext {
		add(strings.HasPrefix(name, "keeper:"), "KMS_ENCRYPTION_CONTEXT must not hold names that begin with keeper:; those are Keeper's own")
	}
	add(c.DataKeyCacheTTL < 0 || time.Duration(c.DataKeyCacheTTL) > 24*time.Hour, "KMS_DEK_CACHE_TTL must be between 0 and 86400 seconds")
	add(c.KMSCacheGrace < 0 || time.Duration(c.KMSCacheGrace) > 24*time.Hour, "KEEPER_KMS_CACHE_GRACE must be between 0 and 86400 seconds")
	add(c.KMSRoleARN != "" && !strings.HasPrefix(c.KMSRoleARN, "arn:"), "KEEPER_KMS_ROLE_ARN must be the ARN of a role")
	add(c.KMSExternalID != "" && c.KMSRoleARN == "", "KEEPER_KMS_EXTERNAL_ID needs KEEPER_KMS_ROLE_ARN")
	add(c.KMSRate < 1 || c.KMSRate > 100_000, "KEEPER_KMS_RATE must be between 1 and 100000 calls a second")
	add(c.ScrubInterval < 0 || c.ScrubInterval > 0 && time.Duration(c.ScrubInterval) < time.Minute, "KEEPER_SCRUB_INTERVAL must be at least 60 seconds, or 0 for no scrub by itself")
	add(c.ScrubRate < 1 || c.ScrubRate > 1_000_000, "KEEPER_SCRUB_RATE must be between 1 and 1000000 versions a second")
	add(c.DataKeyMaxUses < 1 || c.DataKeyMaxUses > 1<<28, "KEEPER_DATA_KEY_MAX_USES must be between 1 and 268435456")
	add(time.Duration(c.DataKeyMaxAge) < time.Minute, "KEEPER_DATA_KEY_MAX_AGE must be at least 60 seconds")
	add(c.Port < 0 || c.Port > 65535, "KEEPER_PORT must be between 0 and 65535")
	add((c.TLSCertFile == "") != (c.TLSKeyFile == ""), "KEEPER_TLS_CERT_FILE and KEEPER_TLS_KEY_FILE belong together; one is missing")
	add(c.RedirectPort < 0 || c.RedirectPort > 65535, "KEEPER_HTTP_REDIRECT_PORT must be between 0 and 65535")
	add(c.RedirectPort != 0 && c.TLSCertFile == "", "KEEPER_HTTP_REDIRECT_PORT needs KEEPER_TLS_CERT_FILE")
	add(c.RedirectPort != 0 && c.RedirectPort == c.Port, "KEEPER_HTTP_REDIRECT_PORT and KEEPER_PORT must differ")
	add(c.StrangerRate < 0 || c.StrangerRate > 100_000, "KEEPER_STRANGER_RATE must be between 0 and 100000 requests a second; 0 is no limit")
	add(c.MetricsToken.Set() && len(c.MetricsToken.Reveal()) < 16, "KEEPER_METRICS_TOKEN must be at least 16 characters")
	add(c.SyncWorkers < 1 || c.SyncWorkers > 64, "KEEPER_SYNC_WORKERS must be between 1 and 64")
	add(time.Duration(c.SyncInterval) < 10*time.Second, "KEEPER_SYNC_INTERVAL must be at least 10 seconds")
	add(c.QuotaShare <= 0 || c.QuotaShare > 1, "KEEPER_QUOTA_SHARE must be above 0 and at most 1")
	add(c.RunRetention < 1 || c.RunRetention > 3650, "KEEPER_RUN_RETENTION_DAYS must be between 1 and 3650")
	add(c.DeleteGrace < 1 || c.DeleteGrace > 365, "KEEPER_DELETE_GRACE_DAYS must be between 1 and 365")
	add(c.AdminPassword.Set() && len(c.AdminPassword.Reveal()) < 12, "KEEPER_ADMIN_PASSWORD must be at least 12 characters")
	add(time.Duration(c.SessionIdle) < time.Minute || time.Duration(c.SessionIdle) > 30*24*time.Hour, "KEEPER_SESSION_IDLE must be between 60 and 2592000 seconds")
	add(time.Duration(c.SessionLife) < 5*time.Minute || time.Duration(c.SessionLife) > 30*24*time.Hour, "KEEPER_SESSION_LIFETIME must be between 300 and 2592000 seconds")
	add(c.SAMLMaxAge < 1 || c.SAMLMaxAge > 365, "KEEPER_SAML_MAX_AGE must be between 1 and 365 days")
	add((c.SMTPHost == "") != (c.SMTPFrom == ""), "KEEPER_SMTP_HOST and KEEPER_SMTP_FROM belong together; one is missing")
	add(c.SMTPFrom != "" && !mailAddress(c.SMTPFrom), "KEEPER_SMTP_FROM must be an e-mail address, such as keeper@example.com")
	add((c.SMTPUser == "") == c.SMTPPassword.Set(), "KEEPER_SMTP_USER and KEEPER_SMTP_PASSWORD belong together; one is missing")
	add(c.SMTPUser != "" && c.SMTPHost == "", "KEEPER_SMTP_USER needs KEEPER_SMTP_HOST")
	add(c.SMTPPort < 1 || c.SMTPPort > 65535, "KEEPER_SMTP_PORT must be between 1 and 65535")
	var level slog.Level
	add(level.UnmarshalText([]byte(c.LogLevel)) != nil, "KEEPER_LOG_LEVEL must be debug, info, warn or error")
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": c.AWSEndpoint, "VAULT_URL": c.VaultURL, "KEEPER_PUBLIC_URL": c.PublicURL,
		"OKTA_ISSUER": c.OktaIssuer, "KEEPER_URL": c.ServerURL,
	} {
		add(value != "" && !webURL(value), name+" must be a URL that begins with https:// or http://")
	}
	return p
}

func webURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

func mailAddress(s string) bool {
	_, err := mail.ParseAddress(s)
	return err == nil
}

// Names are the settings' names, sorted.
func Names() []string {
	names := []string{"FLASK_ENV"}
	t := reflect.TypeFor[Config]()
	for i := range t.NumField() {
		names = append(names, t.Field(i).Tag.Get("env"))
	}
	slices.Sort(names)
	return names
}

func known(name string) bool { return slices.Contains(Names(), name) }

// suggest names the setting that was probably meant.
func suggest(name string) string {
	for _, n := range Names() {
		if distance(n, name) <= 2 {
			return "; did you mean " + n + "?"
		}
	}
	return ""
}

// distance is the Levenshtein distance of two short words.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j]+1, row[j+1]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}

// settingError is why a setting does not parse; it never quotes the value.
type settingError string

func (e settingError) Error() string { return string(e) }

// Secret is a setting that cannot print itself.
type Secret struct{ value string }

// NewSecret makes a secret setting, for tests and flags.
func NewSecret(value string) Secret { return Secret{value} }

// Reveal is the setting's value.
func (s Secret) Reveal() string { return s.value }

// Set reports whether there is a value.
func (s Secret) Set() bool { return s.value != "" }

// String hides the value.
func (s Secret) String() string { return "[redacted]" }

// Format hides the value from every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[redacted]")) }

// LogValue hides the value from slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// MarshalText hides the value from encoders.
func (s Secret) MarshalText() ([]byte, error) { return []byte("[redacted]"), nil }

// UnmarshalText takes the value.
func (s *Secret) UnmarshalText(text []byte) error { s.value = string(text); return nil }

// Seconds is a duration given as a whole number of seconds.
type Seconds time.Duration

// UnmarshalText reads a whole number of seconds.
func (s *Seconds) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text) + "s")
	if err != nil || d%time.Second != 0 {
		return settingError("must be a whole number of seconds")
	}
	*s = Seconds(d)
	return nil
}

// Switch is a yes or no.
type Switch bool

// UnmarshalText reads true, false and their usual spellings.
func (s *Switch) UnmarshalText(text []byte) error {
	switch strings.ToLower(string(text)) {
	case "1", "true", "yes", "on":
		*s = true
	case "0", "false", "no", "off":
		*s = false
	default:
		return settingError("must be true or false")
	}
	return nil
}

// JSONMap is a JSON object of strings.
type JSONMap map[string]string

// UnmarshalText reads a JSON object of strings.
func (m *JSONMap) UnmarshalText(text []byte) error {
	if json.Unmarshal(text, (*map[string]string)(m)) != nil {
		return settingError(`must be a JSON object of strings, such as {"team":"platform"}`)
	}
	return nil
}

// Hosts are names of hosts, without ports, separated by commas.
type Hosts []string

// UnmarshalText reads names separated by commas.
func (h *Hosts) UnmarshalText(text []byte) error {
	*h = nil
	for part := range strings.SplitSeq(string(text), ",") {
		name := strings.TrimSpace(part)
		u, err := url.Parse("//" + name)
		if err != nil || name == "" || u.Host != name || u.Port() != "" || strings.ContainsAny(name, "*_ ") {
			return settingError("must be names such as keeper.example.com, without ports, separated by commas")
		}
		*h = append(*h, name)
	}
	return nil
}

// Prefixes are networks in CIDR form, separated by commas.
type Prefixes []netip.Prefix

// UnmarshalText reads networks separated by commas.
func (p *Prefixes) UnmarshalText(text []byte) error {
	*p = nil
	for part := range strings.SplitSeq(string(text), ",") {
		prefix, err := netip.ParsePrefix(strings.TrimSpace(part))
		switch {
		case err != nil:
			return settingError("must be networks such as 10.0.0.0/8, separated by commas")
		case prefix.Bits() == 0: // then everybody could say to be anybody
			return settingError("must not be all addresses: whoever is believed here chooses the address that its requests count for")
		}
		*p = append(*p, prefix)
	}
	return nil
}
