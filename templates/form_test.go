package templates

import (
	"errors"
	"strings"
	"testing"

	"github.com/your-org/keeper/fault"
)

func TestFormFail(t *testing.T) {
	t.Run("Fields", func(t *testing.T) {
		form := NewForm(map[string]string{"name": "x"})
		form.Fail(fault.InvalidField("name", "must be longer"))
		if got := form.Error("name"); got != "must be longer" || form.Message != "" || form.Value("name") != "x" {
			t.Errorf("got %+v", form)
		}
	})
	t.Run("Whole", func(t *testing.T) {
		var form Form
		form.Fail(fault.New(fault.Conflict, "The name is taken.").WithHint("Choose another."))
		if form.Message != "The name is taken." || form.Hint != "Choose another." || !form.Failed() {
			t.Errorf("got %+v", form)
		}
	})
	t.Run("HiddenCause", func(t *testing.T) {
		var form Form
		form.Fail(errors.New("pq: password authentication failed for user keeper"))
		if strings.Contains(form.Message+form.Hint, "pq:") || !form.Failed() {
			t.Errorf("the cause shows: %+v", form)
		}
	})
}

func TestRefusedFormShowsWhatWasTyped(t *testing.T) {
	document := render(t, samplePages()["secret new refused"])
	name := all(document, "#f-name")[0]
	if attribute(name, "value") != "payments//x" || attribute(name, "aria-invalid") != "true" {
		t.Errorf("the name field is %+v", name.Attr)
	}
	if got := strings.TrimSpace(text(all(document, "#f-value")[0])); got != `{"a": 1,}` {
		t.Errorf("value: got %q", got)
	}
	links := all(document, "#summary a")
	if len(links) != 3 || attribute(links[0], "href") != "#f-name" {
		t.Errorf("the summary has %d links, the first to %s", len(links), attribute(links[0], "href"))
	}
}

func TestPasswordsAreNeverEchoed(t *testing.T) {
	page := samplePages()["sign-in failed"].(*SignInPage)
	page.Form.Values["password"] = canary
	for _, input := range all(render(t, page), "input") {
		if attribute(input, "value") == canary {
			t.Errorf("the password stands in field %s", attribute(input, "name"))
		}
	}
}

func TestConfirmation(t *testing.T) {
	c := Confirmation{Name: "production"}
	if c.Confirmed("Production") || c.Form.Error("confirm") == "" {
		t.Error("another spelling was taken for the name")
	}
	if !c.Confirmed("production") {
		t.Error("the name was refused")
	}
}

func TestMaskHidesTheLength(t *testing.T) {
	page := samplePages()["secret"].(*SecretPage)
	masks := map[string]bool{}
	for _, size := range []int{1, 65_536} {
		page.Secret.CurrentSize = size
		masks[text(all(render(t, page), "[data-secret-value]")[0])] = true
	}
	if len(masks) != 1 {
		t.Errorf("the mask follows the value's length: %v", masks)
	}
}
