package web_test

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/your-org/keeper/auth/saml/samltest"
	"github.com/your-org/keeper/models"
)

// TestDoctorKeepsNothing has responses examined in every way, good ones and bad ones, and looks for what stands in them in the
// database and in the log.
func TestDoctorKeepsNothing(t *testing.T) {
	const mark = "never-kept"
	person := samltest.User{NameID: mark + "-id@example.com", Email: mark + "-mail@example.com", Name: mark + " name", Groups: []string{"keeper-devs", mark + "-group"}}
	h := newSAMLHouse(t, nil)
	h.idp.SetUser(person)
	p, err := h.auth.Provider(context.Background(), models.System(), "okta")
	must(t, err)
	marks := []string{mark}
	brought := func(encoded string) string { // which does not show the mark
		marks = append(marks, encoded[len(encoded)/2:][:40])
		return encoded
	}
	respond := func(m samltest.Making) string {
		response, err := h.idp.Respond(p.EntityID, "", person.NameID, m)
		must(t, err)
		return brought(samltest.Encode(response))
	}
	v := h.as("root")
	testSignIn := func() *page {
		fields := v.atProvider("/saml/okta/sign-in?for=test")
		brought(fields.Get("SAMLResponse"))
		return v.post("/saml/okta/acs", fields)
	}
	const doctor, dryRun = "/admin/providers/okta/doctor", "/admin/providers/okta/dry-run"
	v.get(doctor).form(doctor).set("response", respond(samltest.Making{})).submit().want(http.StatusOK, "main", mark+"-group")
	v.get(doctor).form(doctor).set("response", respond(samltest.Making{UnsignedAssertion: true})).submit().want(http.StatusOK, "main", "unsigned")
	v.get(doctor).form(doctor).set("response", mark).submit().want(http.StatusOK, "main", "malformed")
	v.get(doctor).form(dryRun).set("name_id", person.NameID).set("groups", "keeper-devs\n"+mark+"-group").submit().want(http.StatusOK, "main", mark+"-group")
	testSignIn().want(http.StatusOK, "main", mark+"-group")
	h.idp.Make(samltest.Making{UnsignedAssertion: true})
	testSignIn().want(http.StatusOK, "main", "unsigned")

	files, err := filepath.Glob(filepath.Join(filepath.Dir(t.TempDir()), "*", "keeper.db*"))
	must(t, err)
	kept := []byte(h.log.String())
	for _, file := range files {
		text, err := os.ReadFile(file)
		must(t, err)
		kept = append(kept, text...)
	}
	if !bytes.Contains(kept, []byte("keeper-devs")) {
		t.Fatalf("what is kept was not found in %v", files)
	}
	for _, one := range marks {
		if at := bytes.Index(kept, []byte(one)); at >= 0 {
			t.Errorf("something of a response was kept: %q", strings.ToValidUTF8(string(kept[max(0, at-80):min(len(kept), at+80)]), "?"))
		}
	}
}
