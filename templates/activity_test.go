package templates

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/models"
)

// told writes lines down: what, how many runs, and the oldest of them by its number.
func told(lines []ActivityLine) (all []string) {
	for _, l := range lines {
		text := l.ObjectName
		if l.Runs > 0 {
			text = fmt.Sprintf("%s %s %d since %s", l.ObjectName, l.Status(), l.Runs, l.Since.Format("5"))
		}
		if l.More {
			text += " or before"
		}
		all = append(all, text)
	}
	return all
}

func TestActivity(t *testing.T) {
	ended := map[byte]models.RunStatus{'F': models.RunFailed, 'P': models.RunPartial, 'S': models.RunSucceeded}
	for name, c := range map[string]struct {
		entries string // the newest first: a destination with F(ailed), P(artial) or S(ucceeded), or another object
		most    int
		whole   bool
		want    []string
	}{
		"none":                {"", 3, true, nil},
		"no runs":             {"x y x", 3, true, []string{"x", "y", "x"}},
		"alike":               {"aF aF x aF", 3, true, []string{"a failed 3 since 4", "x"}},
		"two destinations":    {"aF bF aF bF", 3, true, []string{"a failed 2 since 3", "b failed 2 since 4"}},
		"it recovered":        {"aS aF aF aS", 4, true, []string{"a succeeded 1 since 1", "a failed 2 since 3", "a succeeded 1 since 4"}},
		"partial is no OK":    {"aS aP", 3, true, []string{"a succeeded 1 since 1", "a partial 1 since 2"}},
		"no room":             {"aF x aS aF aF", 2, true, []string{"a failed 1 since 1", "x"}},
		"room is for others":  {"aF aF aF x y", 2, true, []string{"a failed 3 since 3", "x"}},
		"goes on":             {"aF aF", 3, false, []string{"a failed 2 since 2 or before"}},
		"went on, and ended":  {"aF aF aS", 3, false, []string{"a failed 2 since 2", "a succeeded 1 since 3"}},
		"ended out of sight":  {"aF aF aS", 1, false, []string{"a failed 2 since 2"}},
		"of two environments": {"aF 2aF", 3, true, []string{"a failed 1 since 1", "a failed 1 since 2"}},
	} {
		t.Run(name, func(t *testing.T) {
			var entries []models.AuditEntry
			for i, word := range strings.Fields(c.entries) {
				e := models.AuditEntry{Action: "secret.update", ObjectName: word, At: time.Unix(int64(i+1), 0), EnvironmentID: 1}
				if strings.HasPrefix(word, "2") {
					e.EnvironmentID, word = 2, word[1:]
				}
				if status, run := ended[word[len(word)-1]]; run {
					e.Action, e.ObjectName, e.Detail = "sync.run", word[:len(word)-1], map[string]string{"status": string(status)}
				}
				entries = append(entries, e)
			}
			if diff := cmp.Diff(c.want, told(Activity(entries, c.most, c.whole))); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}
