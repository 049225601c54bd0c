package packaging

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/your-org/keeper/config"
)

// composition is what the tests look at of a compose file.
type composition struct {
	Services map[string]struct {
		Build       string
		Image       string
		Environment map[string]string
		EnvFile     string `yaml:"env_file"`
		Ports       []string
		Volumes     []string
		Profiles    []string
		ReadOnly    bool                                  `yaml:"read_only"`
		SecurityOpt []string                              `yaml:"security_opt"`
		CapDrop     []string                              `yaml:"cap_drop"`
		DependsOn   map[string]struct{ Condition string } `yaml:"depends_on"`
		Healthcheck struct{ Test []string }
		Secrets     []string
	}
	Volumes map[string]any
	Secrets map[string]struct{ File string }
}

func compose(t *testing.T, file string) (c composition) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(read(t, file)), &c); err != nil {
		t.Fatal(err)
	}
	if len(c.Services) < 2 {
		t.Fatalf("%s has %d services", file, len(c.Services))
	}
	return c
}

// A pinned image has a tag that begins with a number.
var pinned = regexp.MustCompile(`^[a-z0-9/.-]+:\d[\w.-]*$`)

func TestCompose(t *testing.T) {
	for _, file := range []string{"docker-compose.yml", "docker-compose.prod.yml"} {
		t.Run(file, func(t *testing.T) {
			c := compose(t, file)
			for name, s := range c.Services {
				if s.Build == "" && !pinned.MatchString(s.Image) {
					t.Errorf("%s: the image %q is not pinned", name, s.Image)
				}
				for _, port := range s.Ports {
					if !strings.HasPrefix(port, "127.0.0.1:") {
						t.Errorf("%s: port %s is open to the network", name, port)
					}
				}
				for _, volume := range s.Volumes {
					if volume, _, _ := strings.Cut(volume, ":"); !contains(c.Volumes, volume) {
						t.Errorf("%s: there is no volume %s", name, volume)
					}
				}
				for _, secret := range s.Secrets {
					if !ignored(t, c.Secrets[secret].File) {
						t.Errorf("%s: the secret %s has no file, or one that goes into the image", name, secret)
					}
				}
				for other, d := range s.DependsOn {
					if len(c.Services[other].Healthcheck.Test) == 0 || d.Condition != "service_healthy" {
						t.Errorf("%s waits for %s, which has no health check", name, other)
					}
				}
				// Keeper's own image holds nothing that could ask.
				if (len(s.Healthcheck.Test) > 0) == (name == "keeper") {
					t.Errorf("%s: health check %q", name, s.Healthcheck.Test)
				}
			}
			asksComposeItself(t, file)
		})
	}
}

func contains[V any](m map[string]V, key string) bool { _, ok := m[key]; return ok }

// asksComposeItself has the real tool read the file, where it is installed.
func asksComposeItself(t *testing.T, file string) {
	t.Helper()
	tool := []string{"docker", "compose"}
	if exec.Command("docker", "compose", "version").Run() != nil {
		if _, err := exec.LookPath("docker-compose"); err != nil {
			t.Log("compose is not installed here; the file was checked as YAML alone")
			return
		}
		tool = []string{"docker-compose"}
	}
	dir := t.TempDir()
	for name, text := range map[string]string{file: read(t, file), ".env": ""} {
		write(t, filepath.Join(dir, name), text)
	}
	cmd := exec.Command(tool[0], append(tool[1:], "-f", file, "config", "-q")...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s config: %v\n%s", tool[0], err, out)
	}
}

// A variable of compose's with its default, "${NAME:-default}".
var withDefault = regexp.MustCompile(`^\$\{[A-Z_]+:-(.*)\}$`)

func TestComposeSettings(t *testing.T) {
	settings := map[string]string{}
	for name, value := range compose(t, "docker-compose.yml").Services["keeper"].Environment {
		if !slices.Contains(config.Names(), name) {
			t.Errorf("%s is not a setting of Keeper", name)
		}
		settings[name] = withDefault.ReplaceAllString(value, "$1")
	}
	c, err := config.Load(settings, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := c.Database.String(), "sqlite /data/keeper.db"; got != want {
		t.Errorf("the database is %s, want %s", got, want)
	}
}

func TestComposeProduction(t *testing.T) {
	keeper := compose(t, "docker-compose.prod.yml").Services["keeper"]
	if !keeper.ReadOnly || !slices.Contains(keeper.SecurityOpt, "no-new-privileges:true") || !slices.Contains(keeper.CapDrop, "ALL") || keeper.EnvFile != ".env" {
		t.Errorf("keeper may do more than it must: %+v", keeper)
	}
	// The settings that its head tells to make must be ones that start.
	settings := map[string]string{}
	for _, line := range regexp.MustCompile(`(?m)^#   ([A-Z_]+)=(\S*)`).FindAllStringSubmatch(read(t, "docker-compose.prod.yml"), -1) {
		settings[line[1]] = line[2]
	}
	settings["SECRET_KEY"] = strings.Repeat("k", 64)
	c, err := config.Load(settings, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := c.Database.String(), "mysql mysql:3306/keeper"; got != want || !c.Production() || c.KeyBackend != "kms" {
		t.Errorf("database %s, want %s; production %v; keys %s", got, want, c.Production(), c.KeyBackend)
	}
}
