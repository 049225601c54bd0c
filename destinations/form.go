package destinations

import (
	"bytes"
	"cmp"
	"encoding/json"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
)

// form is how one secret's value stands at a destination of ShapeValue or ShapeObject, both
// ways. The zero form leaves values as they are.
type form struct {
	object bool
	key    string // of a value that is no object
}

func formOf(c models.DestinationConfig) form {
	return form{object: c.Shape == models.ShapeObject, key: cmp.Or(c.ValueKey, "value")}
}

// isObject reports whether a value of a type is to be the whole map of its entry.
func isObject(t models.SecretType, value []byte) bool {
	value = bytes.TrimLeft(value, " \t\r\n")
	return t == models.JSON && len(value) > 0 && value[0] == '{'
}

// of is a value in the form that it has there, in bytes of its own. Invalid where it is an
// object that has no one canonical text.
func (f form) of(t models.SecretType, v models.Plaintext) (models.Plaintext, error) {
	if !f.object {
		return models.NewPlaintext(bytes.Clone(v.Reveal())), nil
	}
	var entry []byte
	var err error
	if isObject(t, v.Reveal()) {
		entry, err = objectOf(v.Reveal())
	} else {
		entry, err = keepersync.ObjectOf(map[string][]byte{f.key: v.Reveal()})
	}
	return models.NewPlaintext(entry), err
}

// objectOf is the entry of an object, with its numbers as Vault tells them.
func objectOf(text []byte) ([]byte, error) {
	canonical, err := keepersync.CanonicalObject(text)
	if err != nil {
		return nil, err
	}
	defer clear(canonical)
	rounded, exact := keepersync.RoundNumbers(canonical)
	if !exact {
		return nil, errUnformable
	}
	return rounded, nil
}

// back is the value of which an entry is the form, in bytes of its own. Where that is so of
// two, the one counts that is an object as the secret's present value is. Invalid where the
// entry is not the form of a value of the type.
func (f form) back(t models.SecretType, wasObject bool, entry models.Plaintext) (models.Plaintext, error) {
	if !f.object {
		return models.NewPlaintext(bytes.Clone(entry.Reveal())), nil
	}
	canonical, err := keepersync.CanonicalObject(entry.Reveal())
	if err != nil {
		return models.Plaintext{}, err
	}
	if t == models.JSON && wasObject {
		return models.NewPlaintext(canonical), nil
	}
	key, value, single := only(canonical)
	if single && key == f.key && (t != models.JSON || json.Valid(value) && !isObject(t, value)) {
		return models.NewPlaintext(value), nil
	}
	if t == models.JSON {
		return models.NewPlaintext(canonical), nil
	}
	return models.Plaintext{}, fault.New(fault.Invalid, "The entry there is not the key %s alone, and a secret of type %s has one value.", f.key, t).
		WithHint("Let Keeper write its own again, or make the entry hold %s alone.", f.key)
}

// shown is what a person is shown of an entry, which it takes over: the value of which it is
// the form, or else the entry.
func (f form) shown(t models.SecretType, entry models.Plaintext) models.Plaintext {
	value, err := f.back(t, true, entry)
	if err != nil {
		return entry
	}
	entry.Zero()
	return value
}

// untaken is why an entry cannot become a value of the type, as a clause; "" where it can.
func (f form) untaken(t models.SecretType, entry models.Plaintext) string {
	value, err := f.back(t, false, entry)
	value.Zero()
	if err == nil {
		return ""
	}
	return "the entry there is not the key " + f.key + " alone, which a secret of type " + string(t) + " cannot take"
}

// hash is the keyed hash by which entries are compared: of an object, over its canonical
// text with its numbers as Vault tells them. That of a single text under a key is made of the keyed hashes of both, so that
// it can be told of a value whose keyed hash is known without opening it. What is hashed
// begins so that no value's own keyed hash can be the same.
func (f form) hash(hasher kms.Hasher, entry models.Plaintext) ([]byte, error) {
	if !f.object {
		return hasher.Sum(entry), nil
	}
	return entryHash(hasher, entry.Reveal())
}

// The first part of what entry hashes are of.
const (
	hashObject = "keeper entry object\x00"
	hashMember = "keeper entry member\x00"
)

func entryHash(hasher kms.Hasher, text []byte) ([]byte, error) {
	canonical, err := keepersync.CanonicalObject(text)
	if err != nil {
		return nil, err
	}
	defer clear(canonical)
	if key, value, single := only(canonical); single {
		defer clear(value)
		return memberHash(hasher, key, hasher.Sum(models.NewPlaintext(value))), nil
	}
	rounded, _ := keepersync.RoundNumbers(canonical)
	defer clear(rounded)
	whole := models.NewPlaintext(append([]byte(hashObject), rounded...))
	defer whole.Zero()
	return hasher.Sum(whole), nil
}

// memberHash is the hash of the entry that is one text under a key, by the text's keyed hash.
func memberHash(hasher kms.Hasher, key string, value []byte) []byte {
	name := hasher.Sum(models.NewPlaintext([]byte(key)))
	return hasher.Sum(models.NewPlaintext(append(append([]byte(hashMember), name...), value...)))
}

// only is the key and the value of an object that is one text under one key. A value under
// key + "_base64" that is no text is the key's.
func only(canonical []byte) (key string, value []byte, single bool) {
	members, err := keepersync.Members(canonical, nil)
	if err != nil || len(members) != 1 {
		return "", nil, false
	}
	for key, value = range members {
	}
	// A text that stands as ObjectOf writes it, and no number that reads alike.
	again, err := keepersync.ObjectOf(members)
	return key, value, err == nil && bytes.Equal(again, canonical)
}

// unformable marks an object that cannot be an entry, where its entry hash would stand.
var unformable = []byte{0}

var errUnformable = fault.New(fault.Invalid, "The JSON object has a key twice, more than 100 levels, half of a character, or a number with more digits than Vault keeps, so it cannot be an entry there.").
	WithHint("Mend the value, such as by quotation marks around the number, or copy it to a destination of the shape value.")

// EntryHash is what is kept beside a version of type JSON, so that passes need not open it:
// the hash of the object as an entry, or the value's own keyed hash where it is no object.
func EntryHash(hasher kms.Hasher, v models.Plaintext) []byte {
	if !isObject(models.JSON, v.Reveal()) {
		return hasher.Sum(v)
	}
	entry, err := objectOf(v.Reveal())
	if err != nil {
		return unformable
	}
	defer clear(entry)
	hash, err := entryHash(hasher, entry)
	if err != nil {
		return unformable
	}
	return hash
}

// desired is the hash of the entry that a version should be, by its own keyed hash and what
// EntryHash said of it.
func (f form) desired(hasher kms.Hasher, t models.SecretType, hash, entry []byte) ([]byte, error) {
	switch {
	case !f.object:
		return hash, nil
	case t != models.JSON, bytes.Equal(hash, entry):
		return memberHash(hasher, f.key, hash), nil
	case bytes.Equal(entry, unformable):
		return nil, errUnformable
	}
	return entry, nil
}
