package destinations

import (
	"context"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
)

// found is an item with its value, as a secret would have it and as the entry has it. Both
// are the owner's to wipe.
type found struct {
	models.ImportItem
	value models.Plaintext
	form  models.Plaintext // empty where the item is one of several of its entry
}

func (f found) zero() {
	f.value.Zero()
	f.form.Zero()
}

// reader reads entries of a destination and takes them apart into the values that secrets
// would have. A preview and its application read alike, so that the keyed hash of an item
// tells whether the entry is still what it was.
type reader struct {
	driver      keepersync.Driver
	destination models.Destination
	split       bool
	hasher      kms.Hasher
}

func (s *Service) newReader(ctx context.Context, e models.Environment, d models.Destination, driver keepersync.Driver, split bool) (reader, error) {
	hasher, err := s.Envelope.Hasher(ctx, e)
	return reader{driver: driver, destination: d, split: split, hasher: hasher}, err
}

// read reads entries, and gives the items of each in the order of their keys. What cannot be
// read, or taken, is an item that says why.
func (r reader) read(ctx context.Context, remotes []keepersync.Remote) []found {
	var names []string
	for _, remote := range remotes {
		if !remote.Deleted {
			names = append(names, remote.Name)
		}
	}
	answers := r.driver.Fetch(ctx, names)
	var all []found
	for _, remote := range remotes {
		item := models.ImportItem{RemoteName: remote.Name, RemoteVersion: remote.Version}
		answer, ok := answers[remote.Name]
		switch {
		case remote.Deleted:
			all = append(all, problem(item, "It is deleted at the destination.", "Restore it there to import it."))
		case !ok:
			all = append(all, problem(item, "The destination gave no answer for it.", "Make a new preview."))
		case fault.Is(answer.Err, fault.NotFound):
			all = append(all, problem(item, "It has no value there now.", "Make a new preview."))
		case answer.Err != nil:
			public := fault.Public(answer.Err)
			all = append(all, problem(item, public.Message, public.Hint))
		default:
			item.RemoteVersion, item.Note = answer.Version, answer.Odd
			items := r.takeApart(item, answer)
			if len(items) == 1 && items[0].Key == "" {
				items[0].form = answer.Value
			} else {
				answer.Value.Zero()
			}
			all = append(all, items...)
		}
	}
	return all
}

func problem(item models.ImportItem, why, hint string) found {
	item.Status, item.Problem, item.Hint = models.ItemProblem, why, hint
	return found{ImportItem: item}
}

// takeApart gives the values of an entry, in bytes of their own.
func (r reader) takeApart(item models.ImportItem, answer keepersync.Fetched) []found {
	text := answer.Value.Reveal()
	entry := r.destination.Kind == models.DestinationVault && (answer.Odd != "" || r.destination.Config.Shape.Whole())
	var members map[string][]byte
	if r.split || entry {
		members, _ = keepersync.Members(text, nil)
	}
	key := r.valueKey()
	switch only, one := members[key]; {
	case r.split && members != nil:
		return r.each(item, members)
	case r.destination.Config.Shape.Whole() && one && len(members) == 1:
		return []found{r.weigh(item, slices.Clone(only))}
	case entry:
		if canonical, err := keepersync.CanonicalObject(text); err == nil {
			item.Type = models.JSON
			return []found{r.weigh(item, canonical)}
		}
	}
	return []found{r.weigh(item, slices.Clone(text))}
}

// valueKey is the key of an entry that holds the value of a secret that is no object.
func (r reader) valueKey() string {
	if key := r.destination.Config.ValueKey; key != "" {
		return key
	}
	return "value"
}

func (r reader) each(item models.ImportItem, members map[string][]byte) []found {
	if len(members) == 0 {
		return []found{problem(item, "It is an object without keys.", "There is nothing in it to import.")}
	}
	var all []found
	for _, key := range slices.Sorted(maps.Keys(members)) {
		one := item
		one.Key, one.Note = key, "It is one key of an entry, so Keeper can import it and not adopt it."
		all = append(all, r.weigh(one, members[key]))
	}
	return all
}

// weigh notes what may be known of a value. One that no secret can have is a problem.
func (r reader) weigh(item models.ImportItem, value []byte) found {
	f := found{ImportItem: item, value: models.NewPlaintext(value)}
	f.Size = len(value)
	switch {
	case len(value) == 0:
		return problem(f.ImportItem, "Its value is empty.", "A secret has a value.")
	case len(value) > models.MaxValueSize:
		clear(value)
		f := problem(f.ImportItem, "Its value is larger than 65536 bytes, the most that a secret may have.", "")
		f.Hint = "Leave it where it is; import it key by key if it is an object of smaller values."
		return f
	case !utf8.Valid(value):
		clear(value)
		return problem(f.ImportItem, "Its value is binary data, and a secret's is text.", "Store it there as base64 text to import it.")
	}
	f.Hash = r.hasher.Sum(f.value)
	return f
}
