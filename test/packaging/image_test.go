// Package packaging holds the image, the compose files and the documents to the code, as
// far as that can be done without a container engine.
package packaging

import (
	"bytes"
	"debug/elf"
	"encoding/json"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/config"
)

// root is the repository's top.
const root = "../.."

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// instruction is one of a Dockerfile's: its word and the rest, continued lines joined.
type instruction struct{ word, rest string }

// stages are the instructions of each stage of the Dockerfile.
func stages(t *testing.T) (all [][]instruction) {
	t.Helper()
	for line := range strings.SplitSeq(strings.ReplaceAll(read(t, "Dockerfile"), "\\\n", " "), "\n") {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case word == "" || strings.HasPrefix(word, "#"):
			continue
		case word == "FROM":
			all = append(all, nil)
		}
		last := len(all) - 1
		all[last] = append(all[last], instruction{word, strings.TrimSpace(rest)})
	}
	return all
}

// only is the one instruction of a word in a stage.
func only(t *testing.T, stage []instruction, word string) string {
	t.Helper()
	found := slices.DeleteFunc(slices.Clone(stage), func(i instruction) bool { return i.word != word })
	if len(found) != 1 {
		t.Fatalf("the stage has %d instructions %s, want one", len(found), word)
	}
	return found[0].rest
}

var buildCommand = regexp.MustCompile(`CGO_ENABLED=0 go build .*? -o /out/keeper \.`)

// build makes the binary by the Dockerfile's own command.
func build(t *testing.T, version string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "keeper")
	command := buildCommand.FindString(read(t, "Dockerfile"))
	if command == "" {
		t.Fatal("the Dockerfile has no command that builds /out/keeper")
	}
	cmd := exec.Command("sh", "-c", strings.ReplaceAll(command, "/out/keeper", binary))
	cmd.Dir, cmd.Env = root, append(os.Environ(), "VERSION="+version)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
	return binary
}

func TestBinary(t *testing.T) {
	binary := build(t, "v9.8.7-test")
	t.Run("Static", func(t *testing.T) {
		file, err := elf.Open(binary)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		for _, part := range file.Progs {
			if part.Type == elf.PT_INTERP {
				t.Error("the binary asks for a dynamic linker, which the image does not have")
			}
		}
	})
	t.Run("RunsWithNothing", func(t *testing.T) {
		cmd := exec.Command(binary, "version")
		cmd.Dir, cmd.Env = t.TempDir(), []string{}
		out, err := cmd.CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != "keeper v9.8.7-test" {
			t.Errorf("keeper version prints %q, %v", got, err)
		}
	})
	t.Run("StartsWithNothing", func(t *testing.T) {
		cmd := exec.Command(binary, "init-db")
		cmd.Dir, cmd.Env = t.TempDir(), []string{}
		if out, err := cmd.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("is set up")) {
			t.Errorf("keeper init-db: %v\n%s", err, out)
		}
	})
	t.Run("CommandDocument", func(t *testing.T) { checkCommandDocument(t, binary) })
}

func TestDockerfile(t *testing.T) {
	all := stages(t)
	if len(all) != 2 {
		t.Fatalf("%d stages, want one that builds and one that runs", len(all))
	}
	image := all[1]
	for word, want := range map[string]string{
		"FROM": "scratch", "USER": "65532:65532", "ENTRYPOINT": `["/keeper"]`, "CMD": `["run"]`, "WORKDIR": "/data", "VOLUME": "/data",
	} {
		if got := only(t, image, word); got != want {
			t.Errorf("%s %s, want %s", word, got, want)
		}
	}
	t.Run("Go", func(t *testing.T) {
		version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(read(t, "go.mod"))[1]
		if from := only(t, all[0], "FROM"); !strings.HasPrefix(from, "golang:"+version+"-") {
			t.Errorf("built by %s, and go.mod wants Go %s", from, version)
		}
	})
	t.Run("Settings", func(t *testing.T) {
		name, value, _ := strings.Cut(only(t, image, "ENV"), "=")
		if _, err := config.Load(map[string]string{name: value}, nil); err != nil || !slices.Contains(config.Names(), name) {
			t.Errorf("ENV %s=%s: %v", name, value, err)
		}
		c, err := config.Load(nil, nil)
		if got := only(t, image, "EXPOSE"); err != nil || got != "8989" || c.Port != 8989 {
			t.Errorf("EXPOSE %s, and the default port is %d, %v", got, c.Port, err)
		}
	})
	t.Run("Copies", func(t *testing.T) {
		made := only(t, all[0], "WORKDIR")
		for _, i := range all[0] {
			made += " " + i.rest
		}
		for _, i := range image {
			fields := strings.Fields(i.rest)
			if i.word != "COPY" || strings.HasPrefix(fields[1], "/etc/ssl/") {
				continue
			}
			if from := fields[len(fields)-2]; !strings.Contains(made, from) {
				t.Errorf("COPY %s: the first stage makes no %s", i.rest, from)
			}
		}
	})
}

// ignored reports whether .dockerignore keeps a path out of the build. It reads the patterns
// that stand there: names and globs of the top, and **/ for any depth.
func ignored(t *testing.T, file string) bool {
	t.Helper()
	for pattern := range strings.SplitSeq(read(t, ".dockerignore"), "\n") {
		pattern = strings.TrimPrefix(strings.TrimSpace(pattern), "/")
		if pattern == "" || strings.HasPrefix(pattern, "#") {
			continue
		}
		deep, anywhere := strings.CutPrefix(pattern, "**/")
		segments := strings.Split(file, "/")
		for i, segment := range segments {
			if hit, _ := path.Match(deep, segment); hit && (anywhere || i == 0) {
				return true
			}
		}
	}
	return false
}

func TestDockerignore(t *testing.T) {
	t.Run("KeepsWhatIsBuilt", func(t *testing.T) {
		cmd := exec.Command("go", "list", "-deps", "-json=Dir,Standard,Module,GoFiles,EmbedFiles", ".")
		cmd.Dir = root
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		top, err := filepath.Abs(root)
		if err != nil {
			t.Fatal(err)
		}
		seen := 0
		for decoder := json.NewDecoder(bytes.NewReader(out)); decoder.More(); {
			var p struct {
				Dir                 string
				Standard            bool
				Module              struct{ Main bool }
				GoFiles, EmbedFiles []string
			}
			if err := decoder.Decode(&p); err != nil {
				t.Fatal(err)
			}
			if p.Standard || !p.Module.Main {
				continue
			}
			for _, file := range slices.Concat(p.GoFiles, p.EmbedFiles) {
				relative, err := filepath.Rel(top, filepath.Join(p.Dir, file))
				if seen++; err != nil || ignored(t, filepath.ToSlash(relative)) {
					t.Errorf("%s is needed for the build and ignored (%v)", relative, err)
				}
			}
		}
		if seen < 100 {
			t.Errorf("only %d files were looked at", seen)
		}
	})
	t.Run("LeavesSecretsOut", func(t *testing.T) {
		var kept []string
		for _, file := range []string{".env", ".env.production", "keeper.key", "keeper.db", "keeper.db-wal", "keeper.db.lock", "deploy/mysql-password", ".git/config"} {
			if !ignored(t, file) {
				kept = append(kept, file)
			}
		}
		if diff := cmp.Diff([]string(nil), kept); diff != "" {
			t.Errorf("files that must stay out of the image (-want +got):\n%s", diff)
		}
	})
}
