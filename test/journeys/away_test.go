package journeys

import (
	"testing"

	"github.com/your-org/keeper/test/awsstandin/standin"
)

// kmsAway lives through KMS being silent for a while: what is cached is read, nothing is
// written, every page says what is away, and all of it passes by itself. Each value has a data
// key of its own in this world, so a new one asks KMS for another.
func (s *story) kmsAway(t *testing.T) {
	p := s.ada
	p.open(s.secret)
	p.press("[data-reveal-button]")
	p.sees("[data-secret-value]", value)
	must(t, s.AWS.Inject(standin.Fault{Service: "kms", Kind: standin.FaultTimeoutBefore}))
	t.Cleanup(s.AWS.ClearFaults)

	p.may = "503" // the console tells of each refusal
	p.open(s.secret + "/versions/new")
	p.fill("#f-value", "written while KMS is away")
	p.fill("#f-comment", "kept")
	p.follow(`form[action$="/versions"] button[type=submit]`)
	p.sees("#summary", "kms backend")
	p.sees("#summary", "nothing new can be written")
	p.sees("#summary", "What you typed is kept.")
	p.sees("#summary", "Try again")
	var typed []string
	must(t, p.Ask(&typed, `() => [document.querySelector("#f-value").value, document.querySelector("#f-comment").value]`))
	if len(typed) != 2 || typed[0] != "written while KMS is away" || typed[1] != "kept" {
		t.Error("what was typed is lost")
	}

	p.may = ""
	p.open(s.secret) // from the cache
	p.sees("main", "version 3")
	p.press("[data-reveal-button]")
	p.sees("[data-secret-value]", value)
	p.open("/keys")
	p.sees("#key-state", "kms backend does not answer")
	p.open("/environments/production/keys")
	p.sees("#environment-keys", "not known now")
	p.open("/")
	p.sees("#attention", "kms backend does not answer")
	p.sees("#attention", "stay readable for at most 20 minutes")
	p.sees("#health", "not reachable")
	p.saysNot("main", "database does not answer")

	s.AWS.ClearFaults()
	p.saysNot("#attention", "kms backend") // by itself
	p.sees("#health", "kms backend answers")
	p.open(s.secret + "/versions/new")
	p.fill("#f-value", "written when KMS is back")
	p.follow(`form[action$="/versions"] button[type=submit]`)
	s.arrives(t, remote, "written when KMS is back")
	p.open(s.secret)
	p.sees("#synced", "in sync")
}
