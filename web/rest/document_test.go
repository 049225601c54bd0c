package rest

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/keys"
	"github.com/your-org/keeper/models"
)

// routes notes the patterns that the generated code registers.
type routes struct{ patterns []string }

func (r *routes) HandleFunc(pattern string, _ func(http.ResponseWriter, *http.Request)) {
	r.patterns = append(r.patterns, pattern)
}
func (*routes) ServeHTTP(http.ResponseWriter, *http.Request) {}

func TestEveryOperationHasARouteAndTheReverse(t *testing.T) {
	document, err := specification()
	must(t, err)
	var operations []string
	for path, item := range document.Paths.Map() {
		for method := range item.Operations() {
			operations = append(operations, method+" "+path)
		}
	}
	var registered routes
	HandlerWithOptions(&server{}, StdHTTPServerOptions{BaseRouter: &registered})
	slices.Sort(operations)
	slices.Sort(registered.patterns)
	if diff := cmp.Diff(operations, registered.patterns); diff != "" {
		t.Errorf("-document +routes\n%s", diff)
	}
	read, err := readDocument(api.Document)
	must(t, err)
	if diff := cmp.Diff(operations, slices.Sorted(maps.Keys(read.query))); diff != "" {
		t.Errorf("-document +queries\n%s", diff)
	}
	if diff := cmp.Diff([]string{"cursor", "environment_id", "limit", "search", "status", "destination_id"}, read.query["GET /api/sync/states"],
		cmp.Transformer("sort", func(s []string) string { slices.Sort(s); return strings.Join(s, " ") })); diff != "" {
		t.Errorf("query of states: -want +got\n%s", diff)
	}
}

// TestGeneratedIsCurrent makes the generated code again and compares.
func TestGeneratedIsCurrent(t *testing.T) {
	for _, made := range []struct{ dir, config, file string }{
		{"../../api", "models.cfg.yaml", "models.gen.go"},
		{".", "server.cfg.yaml", "server.gen.go"},
	} {
		t.Run(made.file, func(t *testing.T) {
			fresh := filepath.Join(t.TempDir(), made.file)
			spec, err := filepath.Abs("../../api/openapi.yaml")
			must(t, err)
			modfile, err := filepath.Abs("../../tools/go.mod")
			must(t, err)
			config, err := os.ReadFile(filepath.Join(made.dir, made.config))
			must(t, err)
			moved := filepath.Join(t.TempDir(), made.config)
			must(t, os.WriteFile(moved, bytes.Replace(config, []byte("output: "), []byte("output: "+filepath.Dir(fresh)+"/"), 1), 0o600))
			command := exec.CommandContext(t.Context(), "go", "tool", "-modfile="+modfile, "oapi-codegen", "-config", moved, spec)
			command.Dir = made.dir
			if out, err := command.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			want, err := os.ReadFile(fresh)
			must(t, err)
			got, err := os.ReadFile(filepath.Join(made.dir, made.file))
			must(t, err)
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("%s is old; run go generate ./api ./web/rest\n%s", made.file, diff)
			}
		})
	}
}

// TestHandWrittenTypesAreAsTheDocumentSays compares the fields of the types that are not
// generated.
func TestHandWrittenTypesAreAsTheDocumentSays(t *testing.T) {
	document, err := specification()
	must(t, err)
	for name, typ := range map[string]reflect.Type{
		"SecretWithValue":     reflect.TypeFor[api.SecretWithValue](),
		"VersionWithValue":    reflect.TypeFor[api.VersionWithValue](),
		"CreatedToken":        reflect.TypeFor[api.CreatedToken](),
		"CreatedUser":         reflect.TypeFor[api.CreatedUser](),
		"OneTimePassword":     reflect.TypeFor[api.OneTimePassword](),
		"FoundToken":          reflect.TypeFor[api.FoundToken](),
		"AlertChannelWithKey": reflect.TypeFor[api.AlertChannelWithKey](),
		"Export":              reflect.TypeFor[api.Export](),
		"ExportedSecret":      reflect.TypeFor[api.ExportedSecret](),
	} {
		want := slices.Sorted(maps.Keys(propertiesOf(document.Components.Schemas[name].Value)))
		if diff := cmp.Diff(want, jsonNames(typ)); diff != "" {
			t.Errorf("%s: -document +type\n%s", name, diff)
		}
	}
	t.Run("DestinationConfig", func(t *testing.T) {
		if diff := cmp.Diff(jsonNames(reflect.TypeFor[models.DestinationConfig]()), jsonNames(reflect.TypeFor[api.DestinationConfig]())); diff != "" {
			t.Errorf("-models +api\n%s", diff)
		}
	})
}

func jsonNames(t reflect.Type) []string {
	var names []string
	for _, field := range reflect.VisibleFields(t) {
		if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func TestDestinationConfigIsCarriedWhole(t *testing.T) {
	var full api.DestinationConfig
	v := reflect.ValueOf(&full).Elem()
	for i := range v.NumField() {
		switch field := v.Field(i); field.Kind() {
		case reflect.String:
			field.SetString(v.Type().Field(i).Name)
		case reflect.Bool:
			field.SetBool(true)
		case reflect.Int:
			field.SetInt(int64(i) + 7)
		case reflect.Pointer: // to a number that may be 0
			field.Set(reflect.New(field.Type().Elem()))
			field.Elem().SetInt(int64(i) + 7)
		case reflect.Slice:
			field.Set(reflect.ValueOf([]string{v.Type().Field(i).Name}))
		case reflect.Map:
			field.Set(reflect.ValueOf(api.Tags{v.Type().Field(i).Name: "x"}))
		default:
			t.Fatalf("a field of kind %s", field.Kind())
		}
	}
	if diff := cmp.Diff(full, config(placeOf(full))); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestEnumsAreTheModels(t *testing.T) {
	document, err := specification()
	must(t, err)
	for name, want := range map[string][]string{
		"SecretType":      words(models.SecretTypes),
		"SyncStatus":      words(models.SyncStatuses),
		"DestinationKind": words(append(slices.Clone(models.DestinationKinds), models.DestinationMemory)),
		"RecipientKind":   words([]models.RecipientKind{models.RecipientLocal, models.RecipientKMS, models.RecipientRecovery}),
		"KeyRole":         words([]keys.Role{keys.RolePrimary, keys.RoleSecond, keys.RoleRecovery, keys.RoleFormer, keys.RoleUnknown}),
		"KeyRunKind":      words([]models.KeyRunKind{models.KeyRewrap, models.KeyReencrypt, models.KeyMigrate, models.KeyScrub}),
		"KeyRunStatus": words([]models.KeyRunStatus{
			models.KeyRunQueued, models.KeyRunRunning, models.KeyRunSucceeded, models.KeyRunPartial, models.KeyRunFailed, models.KeyRunCancelled,
		}),
		"AlertKind":      words(models.AlertKinds),
		"ChannelKind":    words(models.ChannelKinds),
		"KeyFindingKind": words([]models.KeyFindingKind{models.FindingDamaged, models.FindingUnknown}),
	} {
		var got []string
		for _, one := range document.Components.Schemas[name].Value.Enum {
			got = append(got, one.(string))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -models +document\n%s", name, diff)
		}
	}
}

func words[T ~string](all []T) []string {
	return convert(all, func(one T) string { return string(one) })
}

func TestPublic(t *testing.T) {
	h := newHouse(t)
	t.Run("Document", func(t *testing.T) {
		response, _, body := h.raw("", "GET", "/openapi.json", "", "Accept-Encoding", "identity")
		var document struct{ OpenAPI string }
		if err := json.Unmarshal([]byte(body), &document); err != nil || document.OpenAPI != "3.1.0" || response.Header.Get("Content-Type") != "application/json" {
			t.Errorf("got %v, %q, %v", response.Header, document.OpenAPI, err)
		}
	})
	t.Run("NotModified", func(t *testing.T) {
		first, _, _ := h.raw("", "GET", "/openapi.json", "", "Accept-Encoding", "gzip")
		again, _, body := h.raw("", "GET", "/openapi.json", "", "Accept-Encoding", "gzip", "If-None-Match", first.Header.Get("ETag"))
		if again.StatusCode != http.StatusNotModified || body != "" {
			t.Errorf("got %d with %d bytes", again.StatusCode, len(body))
		}
	})
	read, err := readDocument(api.Document)
	must(t, err)
	files, err := publicFiles(read.json)
	must(t, err)
	for _, f := range files {
		t.Run(f.path, func(t *testing.T) {
			packed, _, small := h.raw("", "GET", f.path, "", "Accept-Encoding", "gzip")
			plain, _, body := h.raw("", "GET", f.path, "", "Accept-Encoding", "identity")
			if packed.StatusCode != http.StatusOK || plain.StatusCode != http.StatusOK || packed.Header.Get("Content-Encoding") != "gzip" ||
				plain.Header.Get("Content-Encoding") != "" || body == "" || body == small || packed.Header.Get("ETag") == plain.Header.Get("ETag") {
				t.Errorf("got %v and %v", packed.Header, plain.Header)
			}
			if f.kind == "text/html; charset=utf-8" && (strings.Contains(body, "<style") || strings.Contains(body, "<script>") || strings.Contains(body, "//cdn")) {
				t.Errorf("the page has something inline or foreign: %s", body)
			}
			if len(small) > 100_000 {
				t.Errorf("the page takes %d bytes over the wire", len(small))
			}
		})
	}
}
