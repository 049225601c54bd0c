package passwords

import (
	"slices"
	"strings"
	"testing"
)

func TestList(t *testing.T) {
	list := common()
	if len(list) < 40_000 || !slices.IsSorted(list) || list[0] == "" {
		t.Fatalf("the list has %d entries, sorted: %t", len(list), slices.IsSorted(list))
	}
	for _, known := range []string{"password", "qwerty", "letmein", "trustno1"} {
		if !listed(known) {
			t.Errorf("%s is not listed", known)
		}
	}
}

func TestProblem(t *testing.T) {
	ada := []string{"ada", "Ada Lovelace", "countess@engine.example"}
	for password, want := range map[string]string{
		"short": "at least 12", strings.Repeat("ab3x", 300): "at most 1024",
		"xxADAxx-yy-zz": "contain the user name", "my-lovelace-4711": "contain the user name", "the countess of": "contain the user name",
		"engine number 9": "contain the user name", strings.Repeat("ä", 20): "few characters", "aabbaabbaabb": "few characters",
		"ab1cd2ab1cd2": "repeat", "xkcd7.xkcd7.xkcd7": "repeat", "abcdefghijkl": "sequence", "987654321zyxw": "sequence", "qwertyuiop[]": "sequence",
		"1qaz2wsx3edc": "sequence", "!asdfghjkl;1": "sequence",
		"basketball12": "common", "P@ssw0rd2026!": "common", "**letmein2026": "common", "football-2026": "common",
		"correct horse battery": "", "a long new password": "", "Ünïcödé-förever": "", "KX3-vvq-0281-zz": "", "password of the day": "",
	} {
		t.Run(password[:min(len(password), 30)], func(t *testing.T) {
			got := Problem(password, ada...)
			if want == "" && got != "" || !strings.Contains(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
	t.Run("ShortNamesDoNotCount", func(t *testing.T) {
		if got := Problem("a bobolink sings", "bo"); got != "" {
			t.Error(got)
		}
	})
}

func FuzzProblem(f *testing.F) {
	f.Add("correct horse battery", "ada")
	f.Add("\xff\xfe\x00", "\xff")
	f.Fuzz(func(t *testing.T, password, name string) {
		if Problem(password, name) == "" && len([]rune(password)) < MinLength {
			t.Errorf("%q passes", password)
		}
	})
}
