package main

import (
	"go/build"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/your-org/keeper"

// mayImport is the house: each package and what of the house it may import. A package that
// is not listed here fails the test; give it its place, here and in ARCHITECTURE.md.
var mayImport = map[string][]string{
	".":                       {"cli"},
	"cli":                     {"api", "api/receipt", "app", "auth", "client", "config", "fault", "keys", "kms", "kms/recovery", "legacy", "models", "secrets", "sync", "telemetry"},
	"app":                     {"alerts", "audit", "auth", "config", "destinations", "fault", "figures", "idempotency", "jobs", "keys", "kms", "kms/awskms", "kms/local", "kms/recovery", "models", "secrets", "store", "sync", "sync/awssm", "sync/vaultkv", "telemetry", "web", "web/rest"},
	"web":                     {"alerts", "audit", "auth", "auth/saml", "destinations", "fault", "figures", "keys", "models", "rank", "redirect", "secrets", "static", "telemetry", "templates", "web/rest"},
	"web/rest":                {"alerts", "api", "api/receipt", "audit", "auth", "auth/saml", "destinations", "fault", "idempotency", "keys", "models", "secrets", "sync", "templates"},
	"secrets":                 {"audit", "auth", "fault", "kms", "models", "rank", "store"},
	"rank":                    {},
	"keys":                    {"audit", "auth", "fault", "kms", "models", "store"},
	"legacy":                  {"fault", "models", "secrets"},
	"alerts":                  {"audit", "auth", "egress", "fault", "kms", "models", "store"},
	"destinations":            {"audit", "auth", "fault", "kms", "models", "store", "sync"},
	"figures":                 {"auth", "fault", "models", "store"},
	"idempotency":             {"auth", "fault", "kms", "models", "store"},
	"auth/passwords":          {},
	"auth":                    {"audit", "auth/passwords", "auth/saml", "egress", "fault", "kms", "models", "store"},
	"auth/saml":               {"fault", "models", "redirect"},
	"redirect":                {},
	"auth/saml/samltest":      {"auth/saml"},
	"audit":                   {"fault", "models", "store"},
	"jobs":                    {"fault", "models", "store"},
	"store":                   {"fault", "models", "store/migrations"},
	"store/migrations":        {},
	"kms":                     {"fault", "models"},
	"kms/local":               {"fault", "kms", "models"},
	"kms/awskms":              {"fault", "kms", "models"},
	"kms/recovery":            {"fault", "kms", "models"},
	"sync":                    {"fault", "models"},
	"sync/memory":             {"fault", "models", "sync"},
	"sync/awssm":              {"egress", "fault", "models", "sync"},
	"sync/vaultkv":            {"egress", "fault", "models", "sync"},
	"egress":                  {},
	"config":                  {},
	"telemetry":               {"fault"},
	"client":                  {"api"},
	"templates":               {"fault", "models", "static"},
	"static":                  {},
	"models":                  {"fault"},
	"api":                     {},
	"api/receipt":             {"api", "sync"},
	"fault":                   {},
	"kms/drivertest":          {"fault", "kms", "models"},
	"sync/drivertest":         {"fault", "models", "sync"},
	"store/storetest":         {"store", "test/databases"},
	"test/browser":            {},
	"test/databases":          {"test/ports"},
	"test/ports":              {},
	"test/awsstandin":         {"test/awsstandin/standin"},
	"static/build":            {},
	"test/bench":              {"app", "api", "client", "config", "models", "secrets", "store", "test/awsstandin/standin", "test/browser", "test/ports", "test/scenario", "test/vaulttest"},
	"test/demo":               {"test/scenario"},
	"test/scenario":           {"api", "client", "test/awsstandin/standin"},
	"test/screenshots":        {"api", "auth/saml/samltest", "client", "models", "store", "templates", "test/browser", "test/scenario", "test/scenes"},
	"test/scenes":             {},
	"test/packaging":          {},
	"test/awsstandin/standin": {},
	"test/vaulttest":          {},
	"test/world":              {"app", "auth", "client", "config", "models", "test/awsstandin/standin", "test/scenario"},
}

// mayUse is which packages may import a dependency, by the start of its path. What is not
// listed may be imported anywhere that makes sense.
var mayUse = map[string][]string{
	"gorm.io/":                            {"store", "store/migrations"},
	"modernc.org/":                        {"store"},
	"github.com/jackc/":                   {"store", "test/databases"},
	"github.com/go-sql-driver/":           {"store", "test/databases"},
	"github.com/pressly/goose":            {"store", "store/migrations"},
	"github.com/aws/":                     {"app", "kms/awskms", "sync/awssm"},
	"github.com/hashicorp/vault/":         {"sync/vaultkv"},
	"github.com/labstack/echo":            {"web", "web/rest"},
	"github.com/spf13/cobra":              {"cli"},
	"filippo.io/age":                      {"kms/recovery"},
	"github.com/fernet/":                  {"legacy"},
	"github.com/aymanbagabas/":            {"secrets"},
	"github.com/wneessen/":                {"alerts"},
	"github.com/caarlos0/env":             {"config"},
	"github.com/joho/godotenv":            {"config"},
	"github.com/gorilla/":                 {"web"},
	"github.com/crewjam/":                 {"auth/saml", "auth/saml/samltest"},
	"github.com/russellhaering/":          {"auth/saml", "auth/saml/samltest"},
	"github.com/beevik/":                  {"auth/saml", "auth/saml/samltest"},
	"github.com/prometheus/client_golang": {"telemetry", "store"},
	"database/sql":                        {"store", "store/migrations", "test/databases"},
	"os/exec":                             {"static/build", "test/bench", "test/databases", "test/demo", "test/scenario", "test/vaulttest"},
	"html/template":                       {"templates"},
	"text/template":                       {},
	"crypto/aes":                          {"auth/saml", "kms", "test/awsstandin/standin"},
	"crypto/cipher":                       {"auth/saml", "kms", "test/awsstandin/standin"},
}

// standardOnly are packages that may import nothing from outside the house and the
// standard library.
var standardOnly = []string{"fault", "models", "api", "client", "audit", "static", "test/awsstandin", "test/awsstandin/standin", "test/vaulttest"}

func TestImportsPointDown(t *testing.T) {
	for _, dir := range packages(t) {
		allowed, listed := mayImport[dir]
		if !listed {
			t.Errorf("package %s is not in the table: give it its place in the house", dir)
			continue
		}
		for _, path := range imports(t, dir) {
			if inner, ok := strings.CutPrefix(path, module+"/"); ok {
				if !slices.Contains(allowed, inner) {
					t.Errorf("%s imports %s, which stands beside or above it", dir, inner)
				}
				continue
			}
			checkDependency(t, dir, path)
		}
	}
}

func checkDependency(t *testing.T, dir, path string) {
	t.Helper()
	for prefix, users := range mayUse {
		if (path == prefix || strings.HasSuffix(prefix, "/") && strings.HasPrefix(path, prefix) || strings.HasPrefix(path, prefix+"/")) && !slices.Contains(users, dir) {
			t.Errorf("%s imports %s, which belongs to %v alone", dir, path, users)
		}
	}
	if first, _, _ := strings.Cut(path, "/"); strings.Contains(first, ".") && slices.Contains(standardOnly, dir) {
		t.Errorf("%s imports %s; it may use the standard library alone", dir, path)
	}
}

// TestOnlyConfigReadsTheEnvironment holds the rule that settings enter in one place.
func TestOnlyConfigReadsTheEnvironment(t *testing.T) {
	for _, dir := range packages(t) {
		if dir == "config" || strings.HasPrefix(dir, "test/") || strings.HasSuffix(dir, "test") {
			continue
		}
		for _, file := range sources(t, dir) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, call := range []string{"os.Getenv(", "os.LookupEnv(", "os.Environ("} {
				if strings.Contains(string(text), call) {
					t.Errorf("%s calls %s…); only config reads the environment", file, call)
				}
			}
		}
	}
}

// packages lists the folders with Go files of this module, tests aside.
func packages(t *testing.T) []string {
	t.Helper()
	var dirs []string
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		name := d.Name()
		if path != "." && (strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules" || nested(path)) {
			return filepath.SkipDir
		}
		if len(sources(t, path)) > 0 {
			dirs = append(dirs, filepath.ToSlash(path))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return dirs
}

func nested(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

func sources(t *testing.T, dir string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(file string) bool {
		match, err := build.Default.MatchFile(dir, filepath.Base(file))
		return strings.HasSuffix(file, "_test.go") || err != nil || !match
	})
}

func imports(t *testing.T, dir string) []string {
	t.Helper()
	var paths []string
	for _, file := range sources(t, dir) {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range parsed.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}
