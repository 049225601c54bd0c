package web_test

import (
	"strings"
	"testing"

	"github.com/go-rod/rod"
	"github.com/go-rod/rod/lib/input"
	"github.com/go-rod/rod/lib/proto"

	"github.com/your-org/keeper/models"
)

// TestEditor writes JSON and YAML with the editor, which keeps to the policy of the pages and
// keeps nothing.
func TestEditor(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	e := h.environment("production")
	b := newTab(t, h)
	b.signIn("ada", password)

	b.open("/secrets/new?environment=production")
	b.silent("opening the form")
	if b.loads(t, "code.js") {
		t.Error("the editor is fetched for a password")
	}
	b.choose(t, "JSON")
	eventually(t, "the editor", b.edits)
	if b.loads(t, "yaml.js") {
		t.Error("what reads YAML is fetched for JSON")
	}

	t.Run("Check", func(t *testing.T) {
		b.write(t, `{"host": "db", "port": 54`)
		eventually(t, "the verdict", b.says("[data-editor-verdict]", "line 1, column 26: a comma or the closing bracket is missing"))
		must(t, b.Keyboard.Type('3', '2', '}'))
		eventually(t, "the verdict", b.says("[data-editor-verdict]", "valid JSON"))
	})
	t.Run("Format", func(t *testing.T) {
		must(t, b.find("[data-editor-format]").Click(proto.InputMouseButtonLeft, 1))
		if got, want := b.typed(t), "{\n  \"host\": \"db\",\n  \"port\": 5432\n}"; got != want {
			t.Errorf("the form holds %q, want %q", got, want)
		}
	})
	t.Run("OtherType", func(t *testing.T) {
		b.choose(t, "Text")
		if b.edits() {
			t.Error("the editor stays over a plain text")
		}
		b.choose(t, "YAML")
		eventually(t, "the editor", b.edits)
		b.write(t, "host: db # the first\nhost: other\n")
		eventually(t, "the verdict", b.says("[data-editor-verdict]", "line 2, column 1: this key stands twice"))
		b.write(t, "host:    db # the first\nlist:   [1,   02]")
		eventually(t, "the verdict", b.says("[data-editor-verdict]", "valid YAML"))
		must(t, b.find("[data-editor-format]").Click(proto.InputMouseButtonLeft, 1))
		if got, want := b.typed(t), "host: db # the first\nlist: [ 1, 02 ]"; got != want {
			t.Errorf("the form holds %q, want %q", got, want)
		}
	})
	t.Run("Label", func(t *testing.T) {
		must(t, b.find(`label[for="f-value"]`).Click(proto.InputMouseButtonLeft, 1))
		if !b.inEditor(t) {
			t.Error("the label does not lead into the editor")
		}
	})
	t.Run("NoTrap", func(t *testing.T) {
		must(t, b.Keyboard.Type(input.Tab))
		if b.inEditor(t) {
			t.Error("the tab key does not leave the editor")
		}
	})
	t.Run("NothingIsKept", func(t *testing.T) {
		kept, err := b.Eval(`async () => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, await indexedDB.databases(), await caches.keys(), history.state])`)
		must(t, err)
		if strings.Contains(kept.Value.Str(), "the first") || !strings.HasSuffix(kept.Value.Str(), ",[],[],null]") {
			t.Errorf("the browser keeps %s", kept.Value.Str())
		}
	})
	t.Run("Sent", func(t *testing.T) {
		b.fill("#f-name", "typed/config")
		b.click(`form[action="/secrets"] button[type="submit"]`)
		eventually(t, "the new secret's page", b.says("h1", "typed/config"))
		secret, err := h.secrets.FindSecret(t.Context(), models.System(), e, "typed/config")
		must(t, err)
		revealed, err := h.secrets.Reveal(t.Context(), models.System(), secret.ID, 0)
		must(t, err)
		if got := string(revealed.Value.Reveal()); got != "host: db # the first\nlist: [ 1, 02 ]" {
			t.Errorf("stored is %q", got)
		}
	})
	b.silent("editing")
}

// TestRevealedDiff shows where two versions differ, and hides it again.
func TestRevealedDiff(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	s := h.secret(h.environment("production"), "payments/key")
	h.rewrite(s.ID, canary+" of another")
	b := newTab(t, h)
	b.signIn("ada", password)
	b.open(secretPath(s) + "/versions/diff?from=1&to=2")
	show := func() {
		t.Helper()
		must(t, b.find("[data-reveal-part] button").Click(proto.InputMouseButtonLeft, 1))
		eventually(t, "the difference", b.says("#difference", "payments/key"))
		eventually(t, "the countdown", b.says("[data-secret-note]", "hides in"))
	}
	hidden := func() bool { return !strings.Contains(b.text("#difference"), canary) }
	marked(t, b)
	show()
	must(t, b.find("[data-hide]").Click(proto.InputMouseButtonLeft, 1))
	eventually(t, "the values to hide", hidden)
	show()
	_, err := b.Eval(`() => dispatchEvent(new Event("blur"))`)
	must(t, err)
	eventually(t, "the values to hide when the window loses the focus", hidden)
	unmoved(t, b)
	b.silent("comparing")
}

func (b *tab) choose(t *testing.T, kind string) {
	t.Helper()
	must(t, b.find("#f-secret-type").Select([]string{kind}, true, rod.SelectorTypeText))
}

// edits reports whether the editor stands over the text area.
func (b *tab) edits() bool {
	found, err := b.Eval(`() => document.querySelector(".code-editor")?.shadowRoot.querySelector(".cm-content") != null`)
	return err == nil && found.Value.Bool()
}

func (b *tab) inEditor(t *testing.T) bool {
	t.Helper()
	found, err := b.Eval(`() => document.activeElement.matches(".code-editor")`)
	must(t, err)
	return found.Value.Bool()
}

// write replaces what stands in the editor, as a person would.
func (b *tab) write(t *testing.T, text string) {
	t.Helper()
	must(t, b.find("#f-value").Focus())
	must(t, b.KeyActions().Press(input.ControlLeft).Type(input.KeyA).Do())
	must(t, b.InsertText(text))
}

// typed is what the form would send.
func (b *tab) typed(t *testing.T) string {
	t.Helper()
	value, err := b.Eval(`() => document.querySelector("#f-value").value`)
	must(t, err)
	return value.Value.Str()
}

// loads reports whether the page has fetched a file.
func (b *tab) loads(t *testing.T, name string) bool {
	t.Helper()
	found, err := b.Eval(`name => performance.getEntriesByType("resource").some((one) => one.name.endsWith(name))`, name)
	must(t, err)
	return found.Value.Bool()
}
