package web

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/templates"
)

// numbers are those of items of an import. In URLs and forms they stand as 3,7-9.
type numbers map[int]bool

func parseNumbers(text string) (numbers, error) {
	all := numbers{}
	if text == "" {
		return all, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		first, last, isRange := strings.Cut(part, "-")
		from, err := strconv.Atoi(first)
		to := from
		if err == nil && isRange {
			to, err = strconv.Atoi(last)
		}
		if err != nil || from < 1 || to < from || to > destinations.MaxImport {
			return nil, fault.New(fault.Invalid, "The address does not say which items are chosen; nothing was done.").WithHint("Go back to the list of imports, and choose again.")
		}
		for n := from; n <= to; n++ {
			all[n] = true
		}
	}
	return all, nil
}

func (all numbers) String() string {
	var text strings.Builder
	sorted := slices.Sorted(maps.Keys(all))
	for at := 0; at < len(sorted); {
		end := at
		for end+1 < len(sorted) && sorted[end+1] == sorted[end]+1 {
			end++
		}
		if text.Len() > 0 {
			text.WriteByte(',')
		}
		text.WriteString(strconv.Itoa(sorted[at]))
		if end > at {
			text.WriteString("-" + strconv.Itoa(sorted[end]))
		}
		at = end + 1
	}
	return text.String()
}

// choose takes over what is ticked on a page: all, the numbers that are left, loses those that
// are, and gets the others of the page.
func (all numbers) choose(sent url.Values) error {
	shown, err := parseNumbers(sent.Get("shown"))
	if err != nil {
		return err
	}
	maps.Copy(all, shown)
	for _, text := range sent["take"] {
		n, _ := strconv.Atoi(text) // what is no number is none of the items
		delete(all, n)
	}
	return nil
}

func nameField(number int) string { return "name." + strconv.Itoa(number) }

// takeable reports whether an item of a preview can be chosen: what is there without a secret
// is nothing to adopt.
func takeable(i models.Import, item models.ImportItem) bool {
	switch item.Status {
	case models.ItemNew:
		return i.Purpose != models.PurposeAdopt
	case models.ItemEqual, models.ItemDifferent:
		return true
	default:
		return false
	}
}

// openItems are the items of a preview that can be chosen.
func (w *Web) openItems(r *request, head templates.ImportHead) ([]models.ImportItem, error) {
	items, err := w.importItems(r, head.Import.ID, destinations.ImportItemQuery{Open: true})
	return slices.DeleteFunc(items, func(item models.ImportItem) bool { return !takeable(head.Import, item) }), err
}

func tally(items []models.ImportItem, left numbers) (t templates.ImportTally) {
	for _, item := range items {
		if left[item.Number] {
			continue
		}
		switch item.Status {
		case models.ItemNew:
			t.New++
		case models.ItemEqual:
			t.Equal++
		case models.ItemDifferent:
			t.Different++
		case models.ItemLeftOut, models.ItemProblem:
		}
		if item.Adoptable {
			t.Adoptable++
		}
	}
	return t
}

// choiceStep is what was asked for on the page of an import's items: what is left, which items
// to show next, and whether to go on to applying.
type choiceStep struct {
	left   numbers
	filter templates.ImportFilter
	cursor string
	apply  bool
}

// chooseImport keeps what is ticked on a page in the URL of the next one. Where names were
// changed, what is there is compared anew under them first.
func (w *Web) chooseImport(r *request) error {
	head, err := w.importHead(r)
	if err != nil {
		return err
	}
	if !head.Preview() {
		return fault.New(fault.Conflict, "The import was begun already; nothing was changed.").WithHint("Make a new preview to choose anew.")
	}
	left, err := leftNow(r)
	if err != nil {
		return err
	}
	id, left, again, err := w.rename(r, head.Import, left)
	if err != nil {
		return err
	}
	step := nextStep(r.form(), left)
	if step.apply && !again { // what was found anew is looked at first
		return r.redirect(templates.ImportFilter{Not: step.left.String()}.On(templates.MustPath("/sync/imports/{import}/apply", id), ""))
	}
	step.filter.Not = step.left.String()
	return r.redirect(step.filter.On(importURL(id), step.cursor))
}

// leftNow is what is left of an import after the boxes of a page.
func leftNow(r *request) (numbers, error) {
	left, err := parseNumbers(r.form().line("not"))
	if err != nil {
		return nil, err
	}
	return left, left.choose(r.PostForm)
}

// rename compares anew where names were typed, which makes another preview, and says whether
// it did.
func (w *Web) rename(r *request, i models.Import, left numbers) (id models.ImportID, now numbers, again bool, err error) {
	names, err := w.renamed(r, i)
	if err != nil || names == nil {
		return i.ID, left, false, err
	}
	id, now, err = w.compareAgain(r, i, names, left)
	return id, now, true, err
}

// nextStep reads which button was pressed, and the filter that stood on the page. Another text
// that is looked for begins at the first page.
func nextStep(f *form, left numbers) choiceStep {
	step := choiceStep{
		left: left, cursor: f.line("cursor"),
		filter: templates.ImportFilter{Status: models.ImportItemStatus(f.line("status")), Query: f.line("q")},
	}
	if step.filter.Query != f.line("asked") {
		step.cursor = ""
	}
	switch next, value, _ := strings.Cut(f.line("go"), ":"); next {
	case "found":
		step.filter.Status, step.cursor = models.ImportItemStatus(value), ""
	case "page":
		step.cursor = value
	case "all":
		step.left = numbers{}
	case "none":
		step.left = everyNumber()
	case "apply":
		step.apply = true
	}
	return step
}

// everyNumber is all that an import can have.
func everyNumber() numbers {
	all := numbers{}
	for n := 1; n <= destinations.MaxImport; n++ {
		all[n] = true
	}
	return all
}

// renamed is the name map of an import with the names that were typed on a page; nil where
// they are the ones that it has.
func (w *Web) renamed(r *request, i models.Import) (map[string]string, error) {
	items, err := w.importItems(r, i.ID, destinations.ImportItemQuery{})
	if err != nil {
		return nil, err
	}
	names, changed := map[string]string{}, false
	for _, item := range items {
		name := item.SecretName
		if item.Status == models.ItemLeftOut {
			name = ""
		}
		field := nameField(item.Number)
		typed := r.form().line(field)
		switch {
		case r.PostForm.Has(field) && typed != name:
			names[item.Label()], changed = typed, true
		case name != "" && !item.Mended, item.Status == models.ItemLeftOut:
			names[item.Label()] = name // Keeper proposes the others again
		}
	}
	if !changed {
		return nil, nil
	}
	return names, nil
}

// compareAgain makes a preview with other names, and finds in it again what was left. What
// has come to stand there since is left as well: nobody has chosen it.
func (w *Web) compareAgain(r *request, i models.Import, names map[string]string, left numbers) (models.ImportID, numbers, error) {
	before, err := w.importItems(r, i.ID, destinations.ImportItemQuery{})
	if err != nil {
		return "", nil, err
	}
	made, err := w.Destinations.PreviewImport(r.Context(), r.actor, i.DestinationID, destinations.ImportDraft{
		Purpose: i.Purpose, Prefix: &i.Prefix, Split: &i.Split, Names: names,
	})
	if err != nil {
		return "", nil, err
	}
	after, err := w.importItems(r, made.ID, destinations.ImportItemQuery{})
	if err != nil {
		return "", nil, err
	}
	chosen := map[string]bool{}
	for _, item := range before {
		chosen[item.Label()] = !left[item.Number]
	}
	still := numbers{}
	for _, item := range after {
		if !chosen[item.Label()] {
			still[item.Number] = true
		}
	}
	return made.ID, still, r.flash(templates.FlashDone, "Keeper looked again, with the names that you gave.", "")
}
