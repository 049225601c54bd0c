package templates

import (
	"slices"
	"strconv"
	"strings"

	"github.com/your-org/keeper/models"
)

// SecretDiffPage is GET /secrets/{secret}/versions/diff, which compares two versions by what is
// known of them without their values, and POST to it, which shows where the values differ.
// Fields of its questions: from, to. Block "difference" is the part that a reveal replaces.
type SecretDiffPage struct {
	BasePage
	SecretHead
	Form     Form                 // the numbers of the two versions
	From, To models.SecretVersion // the zero ones: there is nothing to compare
	Same     bool                 // both have the same value
	Revealed bool                 // Hunks are what differs in the values; the reveals are on record
	Hunks    [][]DiffLine
	Cut      int // lines that are left off
}

func (*SecretDiffPage) template() string { return "secrets/diff" }

// Frame stands around the page.
func (p *SecretDiffPage) Frame() Frame { return p.frame("Compare versions") }

// DiffLine is one line of a value, cut around what differs from the line in its place. It is
// shown after its reveal is on record, and nowhere else.
type DiffLine struct {
	Op                     string // "kept", "removed" or "added"
	From, To               int    // its numbers in the two values; 0: it is not there
	Before, Changed, After string
	Unended                bool // there is no line break at its end
}

// FactPair is one thing that is known of two versions without their values.
type FactPair struct{ Label, From, To string }

// Changed reports whether the two are not alike.
func (f FactPair) Changed() bool { return f.From != f.To }

// Facts are what is known of both versions; what neither has is left out.
func (p *SecretDiffPage) Facts() []FactPair {
	from, to := versionFacts(p.From), versionFacts(p.To)
	var pairs []FactPair
	for i := range from {
		if from[i].value != "" || to[i].value != "" {
			pairs = append(pairs, FactPair{from[i].label, orNone(from[i].value), orNone(to[i].value)})
		}
	}
	if gone, added := missingFrom(p.To.Facts.Keys, p.From.Facts.Keys), missingFrom(p.From.Facts.Keys, p.To.Facts.Keys); len(gone)+len(added) > 0 {
		pairs = append(pairs, FactPair{"Keys only there", orNone(strings.Join(gone, ", ")), orNone(strings.Join(added, ", "))})
	}
	return pairs
}

type fact struct{ label, value string }

// versionFacts are the facts of a version, the same ones in the same order for each.
func versionFacts(v models.SecretVersion) []fact {
	facts := []fact{{"Size", byteSize(v.Size)}}
	var c models.CertificateFacts
	if v.Facts.Certificate != nil {
		c = *v.Facts.Certificate
	}
	valid := ""
	if !c.NotAfter.IsZero() {
		valid = c.NotBefore.UTC().Format("2 Jan 2006") + " to " + c.NotAfter.UTC().Format("2 Jan 2006")
	}
	facts = append(facts, fact{"Subject", c.Subject}, fact{"Issuer", c.Issuer}, fact{"Names", strings.Join(c.DNSNames, ", ")}, fact{"Valid", valid}, fact{"Fingerprint", c.FingerprintSHA256})
	var k models.SSHKeyFacts
	if v.Facts.SSHKey != nil {
		k = *v.Facts.SSHKey
	}
	return append(facts, fact{"Kind of key", k.Kind}, fact{"Fingerprint of the key", k.Fingerprint})
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// missingFrom are those of some that are not among all.
func missingFrom(all, some []string) (missing []string) {
	for _, key := range some {
		if !slices.Contains(all, key) {
			missing = append(missing, key)
		}
	}
	return missing
}

// URL is the comparison as a link.
func (p *SecretDiffPage) URL() (string, error) {
	return diffURL(p.Secret.ID, p.From.Number, p.To.Number)
}

// diffURL compares two versions of a secret.
func diffURL(id models.SecretID, from, to models.VersionNumber) (string, error) {
	path, err := Path("/secrets/{secret}/versions/diff", id)
	if err != nil {
		return "", err
	}
	number := func(n models.VersionNumber) string { return strconv.FormatInt(int64(n), 10) }
	return query(path, "from", number(from), "to", number(to))
}
