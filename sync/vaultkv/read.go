package vaultkv

import (
	"bytes"
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/your-org/keeper/fault"
	keepersync "github.com/your-org/keeper/sync"
)

// listChunk is how many names are looked up before the first of them is yielded.
const listChunk = 8 * workers

// List walks the folders under the prefix and reads each name's metadata: a call per name.
func (d *Driver) List(ctx context.Context) iter.Seq2[keepersync.Remote, error] {
	return func(yield func(keepersync.Remote, error) bool) {
		folders := []string{d.prefix[:strings.LastIndex(d.prefix, "/")+1]}
		for len(folders) > 0 {
			folder := folders[len(folders)-1]
			folders = folders[:len(folders)-1]
			for names, err := range d.listFolder(ctx, folder) {
				switch {
				case err != nil:
					yield(keepersync.Remote{}, err)
					return
				case strings.HasSuffix(names[0], "/"):
					folders = append(folders, names...)
				case !d.yieldAll(ctx, names, yield):
					return
				}
			}
		}
	}
}

// listFolder lists what of a folder is under the prefix, some at a time: names, or the folders
// within. Vault gives a folder in one answer, of which no more is taken apart than is asked for.
func (d *Driver) listFolder(ctx context.Context, folder string) iter.Seq2[[]string, error] {
	return func(yield func([]string, error) bool) {
		keys, err := d.keys(ctx, folder)
		if err != nil {
			yield(nil, err)
			return
		}
		names, folders := make([]string, 0, listChunk), []string(nil)
		for key, err := range texts(keys) {
			switch full := folder + key; {
			case err != nil:
				yield(nil, d.failList(answer{}, err, folder))
				return
			case !strings.HasSuffix(key, "/") && strings.HasPrefix(full, d.prefix):
				names = append(names, full)
			case strings.HasSuffix(key, "/") && (strings.HasPrefix(full, d.prefix) || strings.HasPrefix(d.prefix, full)):
				folders = append(folders, full)
			}
			if len(names) == listChunk {
				if !yield(names, nil) {
					return
				}
				names = names[:0]
			}
		}
		if (len(names) == 0 || yield(names, nil)) && len(folders) > 0 {
			yield(folders, nil)
		}
	}
}

// keys is what a folder holds, as a list in JSON; empty where there is no such folder.
func (d *Driver) keys(ctx context.Context, folder string) (json.RawMessage, error) {
	a, err := d.call(ctx, d.list(d.path(opList.area, folder)))
	if err == nil && a.absent() {
		return json.RawMessage("[]"), nil
	}
	var reply struct {
		Data struct {
			Keys json.RawMessage `json:"keys"`
		} `json:"data"`
	}
	if err == nil && a.ok() {
		if err = a.decode(&reply); err == nil && !bytes.HasPrefix(reply.Data.Keys, []byte("[")) {
			err = errNotVault
		}
	}
	if err != nil || !a.ok() {
		return nil, d.failList(a, err, folder)
	}
	return reply.Data.Keys, nil
}

// texts are the strings of a list.
func texts(list json.RawMessage) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		decoder := json.NewDecoder(bytes.NewReader(list))
		if _, err := decoder.Token(); err != nil { // its bracket
			yield("", errNotVault)
			return
		}
		for decoder.More() {
			var text *string
			if decoder.Decode(&text) != nil || text == nil {
				yield("", errNotVault)
				return
			}
			if !yield(*text, nil) {
				return
			}
		}
	}
}

func (d *Driver) failList(a answer, err error, folder string) error {
	if err != nil {
		return d.fail(a, err, opList, "")
	}
	return refused(a, opList, d.path(opList.area, folder), "")
}

// yieldAll looks the names up and yields what is there. A name that went away between the
// listing and the look is left out; any other failure ends the listing.
func (d *Driver) yieldAll(ctx context.Context, names []string, yield func(keepersync.Remote, error) bool) bool {
	remotes, errs := make([]keepersync.Remote, len(names)), make([]error, len(names))
	inParallel(len(names), func(i int) { remotes[i], errs[i] = d.Describe(ctx, names[i]) })
	for i, r := range remotes {
		switch {
		case fault.Is(errs[i], fault.NotFound):
		case errs[i] != nil:
			yield(keepersync.Remote{}, errs[i])
			return false
		case !yield(r, nil):
			return false
		}
	}
	return true
}

// inParallel calls do for 0 to n-1, a few at once, and waits for all.
func inParallel(n int, do func(i int)) {
	var group sync.WaitGroup
	next := make(chan int)
	for range min(n, workers) {
		group.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	group.Wait()
}

// Describe looks one name up.
func (d *Driver) Describe(ctx context.Context, name string) (keepersync.Remote, error) {
	m, err := d.metadata(ctx, name)
	if err != nil {
		return keepersync.Remote{}, err
	}
	return m.remote(name), nil
}

func (d *Driver) metadata(ctx context.Context, name string) (metadata, error) {
	a, err := d.call(ctx, d.get(d.path(opDescribe.area, name)))
	var reply struct {
		Data *metadata `json:"data"`
	}
	if err == nil && a.ok() {
		if err = a.decode(&reply); err == nil && (reply.Data == nil || reply.Data.Versions == nil) {
			err = errNotVault // Vault names the versions even where there are none
		}
	}
	if err != nil || !a.ok() {
		return metadata{}, d.fail(a, err, opDescribe, name)
	}
	return *reply.Data, nil
}

// Fetch reads values, a call per name.
func (d *Driver) Fetch(ctx context.Context, names []string) map[string]keepersync.Fetched {
	values := make([]keepersync.Fetched, len(names))
	inParallel(len(names), func(i int) { values[i], _ = d.fetch(ctx, names[i]) })
	answers := make(map[string]keepersync.Fetched, len(names))
	for i, name := range names {
		answers[name] = values[i]
	}
	return answers
}

func (d *Driver) fetch(ctx context.Context, name string) (keepersync.Fetched, revision) {
	a, err := d.call(ctx, d.get(d.path(opFetch.area, name)))
	var reply struct {
		Data struct {
			Data     json.RawMessage `json:"data"`
			Metadata revision        `json:"metadata"`
		} `json:"data"`
	}
	// A deleted version is a 404 that tells about itself.
	if err == nil && (a.ok() || a.status == http.StatusNotFound && !a.bare) {
		if parsed := a.decode(&reply); a.ok() {
			err = parsed
		}
	}
	about := reply.Data.Metadata
	if err == nil && a.status == http.StatusNotFound && about.Version > 0 {
		return keepersync.Fetched{Err: fault.New(fault.NotFound, "The current version of %s is deleted in Vault.", name)}, about
	}
	if err != nil || !a.ok() {
		return keepersync.Fetched{Err: d.fail(a, err, opFetch, name)}, revision{}
	}
	fetched, err := d.decode(name, reply.Data.Data)
	if err != nil {
		return keepersync.Fetched{Err: err}, revision{}
	}
	fetched.Version = strconv.Itoa(about.Version)
	return fetched, about
}
