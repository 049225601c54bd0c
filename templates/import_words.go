package templates

import (
	"strings"

	"github.com/your-org/keeper/models"
)

var importStatusLooks = map[models.ImportStatus]Look{
	models.ImportPreview:  {"to be looked at", "clock", "grey"},
	models.ImportApplying: {"begun, not finished", "arrow-repeat", "amber"},
	models.ImportApplied:  {"done", "check-circle-fill", "green"},
}

func importStatusLook(s models.ImportStatus) Look { return lookIn(importStatusLooks, s) }

var foundLooks = map[models.ImportItemStatus]Look{
	models.ItemNew:       {"new", "plus-lg", "green"},
	models.ItemEqual:     {"equal", "check-circle-fill", "green"},
	models.ItemDifferent: {"different", "exclamation-triangle-fill", "amber"},
	models.ItemProblem:   {"problem", "x-circle-fill", "red"},
	models.ItemLeftOut:   {"left out", "dash-circle-fill", "grey"},
}

func foundLook(s models.ImportItemStatus) Look { return lookIn(foundLooks, s) }

var importResultLooks = map[models.ImportResult]Look{
	models.ResultImported:  {"imported", "check-circle-fill", "green"},
	models.ResultUpdated:   {"new version", "arrow-down", "amber"},
	models.ResultUnchanged: {"unchanged", "check-lg", "grey"},
	models.ResultSkipped:   {"skipped", "dash-circle-fill", "grey"},
	models.ResultFailed:    {"failed", "x-circle-fill", "red"},
	"":                     {"not taken", "dash-circle-fill", "grey"},
}

func importResultLook(r models.ImportResult) Look { return lookIn(importResultLooks, r) }

func lookIn[K ~string](looks map[K]Look, key K) Look {
	if look, ok := looks[key]; ok {
		return look
	}
	return Look{string(key), "question-circle", "grey"}
}

// FoundCount is how many items of an import were found in one way.
type FoundCount struct {
	Status models.ImportItemStatus
	Count  int
	Look   Look
}

func foundCounts(c models.ImportCounts) []FoundCount {
	var present []FoundCount
	numbers := map[models.ImportItemStatus]int{
		models.ItemNew: c.New, models.ItemEqual: c.Equal, models.ItemDifferent: c.Different, models.ItemProblem: c.Problems, models.ItemLeftOut: c.LeftOut,
	}
	for _, s := range models.ImportItemStatuses {
		if numbers[s] > 0 {
			present = append(present, FoundCount{s, numbers[s], foundLook(s)})
		}
	}
	return present
}

// EndedCount is how many items of an import ended in one way.
type EndedCount struct {
	Result models.ImportResult
	Count  int
	Look   Look
}

func (h *ImportHead) endedCounts() []EndedCount {
	c := h.Import.Counts
	var present []EndedCount
	for _, one := range []struct {
		result models.ImportResult
		n      int
	}{
		{models.ResultFailed, c.Failed},
		{models.ResultSkipped, c.Skipped},
		{models.ResultImported, c.Imported},
		{models.ResultUpdated, c.Updated},
		{models.ResultUnchanged, h.Unchanged()},
	} {
		if one.n > 0 {
			present = append(present, EndedCount{one.result, one.n, importResultLook(one.result)})
		}
	}
	return present
}

// Ended are the results that occur, what a person should look at first.
func (p *ImportPage) Ended() []EndedCount { return p.endedCounts() }

// placeWord is what a destination is one of, for people.
func placeWord(k models.DestinationKind) string {
	if k == models.DestinationAWS {
		return "account and region"
	}
	return "mount"
}

// usualSplit is what becomes of entries with several keys where nobody says.
func usualSplit(d models.Destination) string {
	if d.Config.Shape.Grouped() {
		return "a secret of each key"
	}
	return "one of each entry"
}

// importWords are what an import found or did, in a few words.
func importWords(i models.Import) string {
	var words []string
	say := func(n int, what string) {
		if n > 0 {
			words = append(words, count(n)+" "+what)
		}
	}
	if i.Status == models.ImportPreview {
		for _, one := range foundCounts(i.Counts) {
			say(one.Count, one.Look.Word)
		}
		return strings.Join(words, ", ")
	}
	h := ImportHead{Import: i}
	for _, one := range h.endedCounts() {
		say(one.Count, one.Look.Word)
	}
	say(i.Counts.Adopted, "adopted")
	say(i.Counts.Left, "left")
	return strings.Join(words, ", ")
}
