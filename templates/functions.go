package templates

import (
	"fmt"
	"html/template"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/static"
)

var functions = template.FuncMap{
	"asset": static.URL,
	"icon":  icon,
	"path":  Path,
	"query": query,

	"pageName": Page.template,

	"when":     when,
	"exact":    exact,
	"day":      day,
	"duration": duration,
	"count":    count,
	"plural":   plural,
	"bytes":    byteSize,
	"share":    share,

	"kindWord":    kindWord,
	"run":         runStatusLook,
	"did":         did,
	"details":     details,
	"outcome":     outcomeLook,
	"outcomes":    func() []models.Outcome { return outcomes },
	"resultWord":  resultWord,
	"resultState": resultState,
	"agent":       agent,

	"field":    field,
	"option":   func(value, label string) Option { return Option{Value: value, Label: label} },
	"options":  func(all ...Option) []Option { return all },
	"fieldID":  fieldID,
	"types":    typeOptions,
	"columns":  func() []SecretColumn { return SecretColumns },
	"expiries": func() []Option { return Expiries },
	"states":   func() []State { return States },
	"kinds":    func() []models.DestinationKind { return models.DestinationKinds },
	"colors":   func() []string { return models.EnvironmentColors },

	"fieldWord": fieldWord,
	"confirm":   confirmView,

	"tab":      func(label, href string, active bool) Tab { return Tab{label, href, active} },
	"tabs":     func(all ...Tab) []Tab { return all },
	"pager":    func(p Pager, prev, next string) PagerView { return PagerView{p, prev, next} },
	"empty":    func(icon, title, text string) Empty { return Empty{icon, title, text} },
	"destTabs": func(v DestinationView, active string) DestinationTabs { return DestinationTabs{v, active} },
	"envTabs": func(name, active string, keys, members bool) EnvironmentTabs {
		return EnvironmentTabs{name, active, keys, members}
	},
	"adminTabs": func(active string) AdminTabs { return AdminTabs{active} },
	"secretTab": func(id models.SecretID, active string) SecretTabs { return SecretTabs{id, active} },
	"nameParts": nameParts,
	"typeLook":  typeLook,
	"tagFilter": tagFilter,
	"hidden":    func(csrf, reveal string) HiddenView { return HiddenView{csrf, reveal} },
	"changes":   runChanges,
	"interval":  interval,
	"tokenOver": TokenOver,
	"took":      func(r models.SyncRun) time.Duration { return r.FinishedAt.Sub(r.StartedAt) },
	"objectURL": objectURL,

	"synced":          func(base *BasePage, states []DestinationState) SyncedView { return SyncedView{base, states} },
	"holders":         func(base *BasePage, all []AccessHolder) HoldersView { return HoldersView{base, all} },
	"entries":         func(base *BasePage, all []models.AuditEntry) EntriesView { return EntriesView{base, activityOf(all)} },
	"activity":        func(base *BasePage, all []ActivityLine) EntriesView { return EntriesView{base, all} },
	"runs":            func(base *BasePage, all []RunView, where bool) RunsView { return RunsView{base, all, where} },
	"alertKinds":      func() []models.AlertKind { return models.AlertKinds },
	"alertLook":       alertLook,
	"channelKinds":    func() []models.ChannelKind { return models.ChannelKinds },
	"channelWord":     channelWord,
	"noticeLook":      noticeLook,
	"occasionWord":    occasionWord,
	"history":         func(base *BasePage, h RunHistory) RunHistoryView { return RunHistoryView{base, h} },
	"runStatuses":     func() []models.RunStatus { return runStatuses },
	"runTriggers":     func() []models.RunTrigger { return runTriggers },
	"triggerWord":     triggerWord,
	"operation":       operationWord,
	"dest":            func(base *BasePage, v DestinationView) CardView { return CardView{base, v} },
	"planStatus":      planStatusLook,
	"planCounts":      planCounts,
	"planCalls":       planCalls,
	"planWords":       planWords,
	"itemLook":        itemLook,
	"importStatus":    importStatusLook,
	"importWord":      importWord,
	"placeWord":       placeWord,
	"usualSplit":      usualSplit,
	"importVerb":      importVerb,
	"importWords":     importWords,
	"foundCounts":     foundCounts,
	"foundLook":       foundLook,
	"endedLook":       importResultLook,
	"itemState":       itemState,
	"fingerprint":     fingerprint,
	"fingerprintText": func(hash string) string { return hash[:min(len(hash), 16)] },
	"sideWord":        models.Side.Word,
	"shapes":          shapeChoices,
	"shape":           shapeChoice,
	"paceWords":       paceWords,
	"strategies":      strategyChoices,
	"strategy":        strategyChoice,
	"brake":           brakeWords,
	"brakeMost":       func() int { return models.DefaultBrakeMost },
	"brakePercent":    func() int { return models.DefaultBrakePercent },
	"keyKindWord":     keyKindWord,
	"keyRunWord":      keyRunWord,
	"keyRunKinds":     func() []models.KeyRunKind { return KeyRunKinds },
	"findingLook":     findingLook,
	"shortKey":        shortKey,
	"keyRuns":         func(base *BasePage, all []KeyRunView) KeyRunsView { return KeyRunsView{base, all} },
	"keyRun":          func(base *BasePage, v KeyRunView) KeyRunCard { return KeyRunCard{base, v} },
	"keyNeeds":        func(base *BasePage, all []KeyNeed) KeyNeedsView { return KeyNeedsView{base, all} },
	"encryption":      func(base *BasePage, e *Encryption) EncryptionView { return EncryptionView{base, e} },
	"confirmField":    func(c Confirmation, focus bool) ConfirmField { return ConfirmField{c, focus} },
	"globalRoles":     globalRoles,
	"envRoles":        environmentRoles,
	"envOptions":      environmentOptions,
	"actionWord":      ActionWord,
	"accessSource":    func(linked bool, s SourceView) AccessSource { return AccessSource{s, linked} },
	"methodWord":      methodWord,
	"proofNote":       func(next string) string { return WithQuery("/prove", "next", next) },

	"dests": func(base *BasePage, all []DestinationView) DestinationsView { return DestinationsView{base, all} },
}

// icon draws an icon of the sprite. It is decoration: the word beside it carries the meaning.
func icon(name string) (template.HTML, error) {
	if !static.HasIcon(name) {
		return "", fmt.Errorf("no icon %q in the sprite", name)
	}
	return template.HTML(`<svg class="icon" aria-hidden="true" focusable="false"><use href="` + static.URL("icons.svg") + "#" + name + `"></use></svg>`), nil //nolint:gosec // names of this repository's own sprite
}

// query appends parameters given as key, value, key, value; empty values are left out.
func query(path string, pairs ...string) (string, error) {
	if len(pairs)%2 != 0 {
		return "", fmt.Errorf("query of %s: a key without a value", path)
	}
	values := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1]) //nolint:gosec // their number is even
	}
	return withQuery(path, values), nil
}

// when is a time as a person says it, with the exact one in its title. It takes a time.Time
// or a *time.Time; nil and the zero time are "never".
func when(now time.Time, at any) (template.HTML, error) {
	t, err := timeOf(at)
	if err != nil || t.IsZero() {
		return `<span class="text-secondary">never</span>`, err
	}
	// Both forms are made of digits and letters of this file: nothing to escape.
	return template.HTML(`<time datetime="` + t.UTC().Format(time.RFC3339) + `" title="` + exactTime(t) + `">` + relative(now, t) + `</time>`), nil //nolint:gosec // see above
}

func exact(at any) (string, error) {
	t, err := timeOf(at)
	if err != nil || t.IsZero() {
		return "never", err
	}
	return exactTime(t), nil
}

func day(at any) (string, error) {
	t, err := timeOf(at)
	if err != nil || t.IsZero() {
		return "never", err
	}
	return t.UTC().Format("2 Jan 2006"), nil
}

func timeOf(at any) (time.Time, error) {
	switch t := at.(type) {
	case time.Time:
		return t, nil
	case *time.Time:
		if t == nil {
			return time.Time{}, nil
		}
		return *t, nil
	default:
		return time.Time{}, fmt.Errorf("%T is not a time", at)
	}
}

func exactTime(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") + " UTC" }

// relative is the distance of a time in its largest unit: "now", "5 min ago", "in 3 d".
func relative(now, t time.Time) string {
	distance := now.Sub(t)
	if distance.Abs() < 10*time.Second {
		return "now"
	}
	words := duration(distance.Abs())
	if distance < 0 {
		return "in " + words
	}
	return words + " ago"
}

// duration is a length of time in its largest unit, rounded down; under ten seconds to a tenth.
func duration(d time.Duration) string {
	const dayLength = 24 * time.Hour
	switch {
	case d < time.Second:
		return strconv.Itoa(int(d.Milliseconds())) + " ms"
	case d < 10*time.Second:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	case d < time.Minute:
		return strconv.Itoa(int(d.Seconds())) + " s"
	case d < time.Hour:
		return strconv.Itoa(int(d.Minutes())) + " min"
	case d < dayLength:
		return strconv.Itoa(int(d.Hours())) + " h"
	case d < 365*dayLength:
		return strconv.Itoa(int(d/dayLength)) + " d"
	default:
		return strconv.Itoa(int(d/(365*dayLength))) + " y"
	}
}

// count is an exact whole number of any integer type with its thousands apart: 12,345.
func count(n any) string {
	digits := fmt.Sprint(n)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// plural is a count with its noun: "1 secret", "2 secrets", "2 entries".
func plural(n int, noun string) string {
	if stem, ok := strings.CutSuffix(noun, "try"); ok && n != 1 {
		noun = stem + "tries"
	} else if n != 1 {
		noun += "s"
	}
	return count(n) + " " + noun
}

func byteSize(n int) string {
	if n < 10_000 {
		return count(n) + " B"
	}
	return strconv.FormatFloat(float64(n)/1024, 'f', 1, 64) + " KiB"
}

// share is a percentage in steps of 5, for which the stylesheet has a width: a style
// attribute would need an exception from the content security policy.
func share(percent int) int { return max(0, min(100, (percent+2)/5*5)) }
