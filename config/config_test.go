package config_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/config"
)

func TestLoadDefaults(t *testing.T) {
	c, err := config.Load(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := c.Database.String(), "sqlite keeper.db"; got != want {
		t.Errorf("database %q, want %q", got, want)
	}
	if c.Production() || c.KeyBackend != "local" || c.Port != 8989 || c.Interval() != 5*time.Minute {
		t.Errorf("unexpected defaults: %v", c)
	}
}

func TestLoadListsAllProblems(t *testing.T) {
	_, err := config.Load(map[string]string{
		"KEEPER_ENV": "staging", "KEY_MANAGEMENT_BACKEND": "kms", "KMS_DEK_CACHE_TTL": "soon", "KEEPER_PROT": "8989",
		"DATABASE_URL": "oracle://u:canary-password@h/db", "AWS_ACCESS_KEY_ID": "AKIACANARY", "KMS_ENCRYPTION_CONTEXT": "{canary}",
		"VAULT_URL": "vault:8200", "ENABLE_KMS_KEY_ROTATION": "perhaps",
	}, map[string]string{"SECRET_KYE": "canary"})
	var problems config.Problems
	if !errors.As(err, &problems) {
		t.Fatalf("error is %v, want Problems", err)
	}
	want := []string{
		".env: SECRET_KYE is not a setting of Keeper; did you mean SECRET_KEY?",
		"AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY belong together; one is missing",
		"DATABASE_URL must begin with sqlite:///, mysql://, mysql+pymysql:// or postgres://",
		"ENABLE_KMS_KEY_ROTATION must be true or false",
		"KEEPER_ENV must be development or production",
		"KEEPER_PROT is not a setting of Keeper; did you mean KEEPER_PORT?",
		"KEY_MANAGEMENT_BACKEND=kms needs AWS_REGION",
		"KEY_MANAGEMENT_BACKEND=kms needs KMS_KEY_ID or KMS_KEY_ALIAS",
		"KMS_DEK_CACHE_TTL must be a whole number of seconds",
		`KMS_ENCRYPTION_CONTEXT must be a JSON object of strings, such as {"team":"platform"}`,
		"VAULT_URL must be a URL that begins with https:// or http://",
	}
	if diff := cmp.Diff(want, []string(problems)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if strings.Contains(strings.ToLower(err.Error()), "canary") {
		t.Errorf("the message quotes a value: %v", err)
	}
}

func TestLoadNeverPrintsValues(t *testing.T) {
	c, err := config.Load(map[string]string{
		"SECRET_KEY": "canary-secret-key-canary-secret-key", "VAULT_TOKEN": "canary", "AWS_ACCESS_KEY_ID": "canary",
		"AWS_SECRET_ACCESS_KEY": "canary", "KEEPER_TOKEN": "canary", "KEEPER_MASTER_KEY": "canary",
		"DATABASE_URL": "postgres://u:canary@h/db",
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		if text := fmt.Sprintf(form, *c); strings.Contains(text, "canary") || strings.Contains(text, "63616e617279") {
			t.Errorf("%s prints a secret setting: %s", form, text)
		}
	}
}

func TestModeAlias(t *testing.T) {
	c, err := config.Load(map[string]string{"FLASK_ENV": "production", "SECRET_KEY": strings.Repeat("k", 32)}, nil)
	if err != nil || !c.Production() {
		t.Errorf("FLASK_ENV=production gives production %v, %v", c, err)
	}
	if _, err := config.Load(map[string]string{"FLASK_ENV": "production", "KEEPER_ENV": "development"}, nil); err == nil {
		t.Error("contradicting KEEPER_ENV and FLASK_ENV are taken")
	}
}

func TestDatabaseURL(t *testing.T) {
	for in, want := range map[string]config.Database{
		"sqlite:///keeper.db":         {Dialect: "sqlite", Path: "keeper.db"},
		"sqlite:////var/lib/k/k.db":   {Dialect: "sqlite", Path: "/var/lib/k/k.db"},
		"mysql://u:p%40w@db/keeper":   {Dialect: "mysql", Host: "db", Port: 3306, User: "u", Password: config.NewSecret("p@w"), Name: "keeper"},
		"mysql+pymysql://u:p@db:33/k": {Dialect: "mysql", Host: "db", Port: 33, User: "u", Password: config.NewSecret("p"), Name: "k"},
		"postgres://u:p@h/k?sslmode=disable&pool_size=5&max_overflow=3": {
			Dialect: "postgres", Host: "h", Port: 5432, User: "u", Password: config.NewSecret("p"), Name: "k",
			Params: map[string]string{"sslmode": "disable"}, PoolSize: 5, MaxOverflow: 3,
		},
	} {
		if want.Params == nil {
			want.Params = map[string]string{}
		}
		var got config.Database
		if err := got.UnmarshalText([]byte(in)); err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b config.Secret) bool { return a.Reveal() == b.Reveal() })); diff != "" {
			t.Errorf("%s (-want +got):\n%s", in, diff)
		}
	}
	for _, in := range []string{"", "keeper.db", "sqlite://keeper.db", "mysql://h/db", "postgres://u:p@h", "mysql://u:p@h/d?pool_size=many"} {
		var d config.Database
		if err := d.UnmarshalText([]byte(in)); err == nil {
			t.Errorf("%q is taken as a database", in)
		}
	}
}

func TestServingProblems(t *testing.T) {
	for want, vars := range map[string]map[string]string{
		"KEEPER_TLS_CERT_FILE and KEEPER_TLS_KEY_FILE belong together; one is missing":                                               {"KEEPER_TLS_CERT_FILE": "a"},
		"KEEPER_HTTP_REDIRECT_PORT needs KEEPER_TLS_CERT_FILE":                                                                       {"KEEPER_HTTP_REDIRECT_PORT": "80"},
		"KEEPER_HTTP_REDIRECT_PORT and KEEPER_PORT must differ":                                                                      {"KEEPER_HTTP_REDIRECT_PORT": "8989", "KEEPER_TLS_CERT_FILE": "a", "KEEPER_TLS_KEY_FILE": "b"},
		"KEEPER_TRUSTED_PROXIES must not be all addresses: whoever is believed here chooses the address that its requests count for": {"KEEPER_TRUSTED_PROXIES": "10.0.0.0/8,0.0.0.0/0"},
		"KEEPER_METRICS_TOKEN must be at least 16 characters":                                                                        {"KEEPER_METRICS_TOKEN": "canary"},
		"KEEPER_STRANGER_RATE must be between 0 and 100000 requests a second; 0 is no limit":                                         {"KEEPER_STRANGER_RATE": "-1"},
		"KEEPER_ALLOWED_HOSTS must be names such as keeper.example.com, without ports, separated by commas":                          {"KEEPER_ALLOWED_HOSTS": "a.example, b.example:8989"},
	} {
		_, err := config.Load(vars, nil)
		var problems config.Problems
		if !errors.As(err, &problems) || len(problems) != 1 || problems[0] != want {
			t.Errorf("%v: got %v, want %q", vars, err, want)
		}
	}
	for _, hosts := range []string{"*.example.com", "https://a.example", "a.example/", "u@a.example", ",", "a b"} {
		if _, err := config.Load(map[string]string{"KEEPER_ALLOWED_HOSTS": hosts}, nil); err == nil {
			t.Errorf("%q are taken as hosts", hosts)
		}
	}
	c, err := config.Load(map[string]string{"KEEPER_ALLOWED_HOSTS": "a.example, [2001:db8::1],10.0.0.1"}, nil)
	if err != nil || len(c.AllowedHosts) != 3 {
		t.Errorf("got %v", err)
	}
}
