package templates

import (
	"bytes"
	"fmt"
	"html/template"
	"reflect"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/your-org/keeper/models"
)

const (
	hostile = `"><script>alert(1)</script><img src=x onerror='alert(2)'>`
	canary  = "CANARY-7f3a"
)

// infect sets every string that a page can be given to s, and every byte slice to the canary.
func infect(v reflect.Value, s string) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			infect(v.Elem(), s)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for i := range v.NumField() {
			field := v.Type().Field(i)
			switch {
			case !field.IsExported():
			case field.Name == "PasswordHash", field.Type == reflect.TypeFor[models.Token]() && field.Name == "Hash":
				v.Field(i).SetString(canary)
			default:
				infect(v.Field(i), s)
			}
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte(canary))
			return
		}
		for i := range v.Len() {
			infect(v.Index(i), s)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			if v.Type().Elem().Kind() == reflect.String {
				v.SetMapIndex(key, reflect.ValueOf(s).Convert(v.Type().Elem()))
			}
		}
	case reflect.String:
		if v.CanSet() {
			v.SetString(s)
		}
	}
}

func TestHostileStringsAreEscaped(t *testing.T) {
	set, err := New()
	if err != nil {
		t.Fatal(err)
	}
	for name, page := range samplePages() {
		t.Run(name, func(t *testing.T) {
			tame := len(all(renderWith(t, set, page), "script"))
			value := reflect.ValueOf(page)
			infect(value, hostile)
			// A state filter or a kind nobody knows leads elsewhere; these two decide the layout.
			page.base().Actor.Kind, page.base().Actor.Role = models.ActorUser, models.RoleAdmin
			var out bytes.Buffer
			if err := set.Render(&out, page); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(out.String(), canary) {
				t.Error("ciphertext, a hash or sealed credentials reached the page")
			}
			document, err := html.Parse(&out)
			if err != nil {
				t.Fatal(err)
			}
			if n := len(all(document, "script")); n > max(tame, 2) {
				t.Errorf("%d scripts, want %d", n, tame)
			}
			if n := len(all(document, "img[onerror], [src=x]")); n != 0 {
				t.Error("an element of the hostile string is in the document")
			}
			checkPolicy(t, document)
		})
	}
}

func TestHostileURLIsRefused(t *testing.T) {
	page := samplePages()["problem not found"].(*ProblemPage)
	page.Back = "javascript:alert(1)"
	for _, link := range all(render(t, page), "a.btn") {
		if strings.HasPrefix(attribute(link, "href"), "javascript:") {
			t.Error("a script became a link")
		}
	}
}

// No page can be given a Plaintext at all; and if one could, it would not print.
func TestNoPlaintextInPages(t *testing.T) {
	for _, page := range pages {
		seen := map[reflect.Type]bool{}
		if path := findPlaintext(reflect.TypeOf(page), seen); path != "" {
			t.Errorf("%T reaches a Plaintext: %s", page, path)
		}
	}
	if findPlaintext(reflect.TypeFor[models.DestinationCredentials](), map[reflect.Type]bool{}) == "" {
		t.Error("the search does not find a Plaintext where there is one")
	}
	secret := models.NewPlaintext([]byte(canary))
	for _, source := range []string{`{{.}}`, `{{printf "%s %x %#v" . . .}}`, `<p title="{{.}}">`, `{{print .}}`} {
		var out bytes.Buffer
		if err := template.Must(template.New("").Parse(source)).Execute(&out, secret); err != nil {
			t.Fatal(err)
		}
		if got := out.String(); strings.Contains(got, canary) || strings.Contains(got, fmt.Sprintf("%x", canary)) {
			t.Errorf("%s printed the value: %s", source, got)
		}
	}
}

func findPlaintext(typ reflect.Type, seen map[reflect.Type]bool) string {
	if typ == reflect.TypeFor[models.Plaintext]() {
		return typ.String()
	}
	if seen[typ] {
		return ""
	}
	seen[typ] = true
	switch typ.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return findPlaintext(typ.Elem(), seen)
	case reflect.Map:
		return findPlaintext(typ.Key(), seen) + findPlaintext(typ.Elem(), seen)
	case reflect.Struct:
		for i := range typ.NumField() {
			if path := findPlaintext(typ.Field(i).Type, seen); path != "" {
				return typ.Field(i).Name + "." + path
			}
		}
	}
	return ""
}
