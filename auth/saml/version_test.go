package saml_test

import (
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/mod/semver"
)

// TestVersions asserts the least versions of the libraries that read XML signatures: goxmldsig before 1.6.1 has a bypass
// (CVE-2026-33487), and crewjam/saml must not fall back behind what this package was read against. Test binaries carry no
// versions of their modules, so that the list of the build is asked.
func TestVersions(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "github.com/russellhaering/goxmldsig", "github.com/crewjam/saml").Output()
	if err != nil {
		t.Fatal(err)
	}
	least := map[string]string{"github.com/russellhaering/goxmldsig": "v1.6.1", "github.com/crewjam/saml": "v0.5.1"}
	for line := range strings.Lines(string(out)) {
		module, version, _ := strings.Cut(strings.TrimSpace(line), " ")
		version, _, _ = strings.Cut(version, " ")
		if want := least[module]; want == "" || semver.Compare(version, want) < 0 {
			t.Errorf("%s is %s, want %s at least", module, version, want)
		}
		delete(least, module)
	}
	if len(least) > 0 {
		t.Errorf("not built with %v", least)
	}
}
