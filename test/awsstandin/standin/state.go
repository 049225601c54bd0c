package standin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

const stateFormat = 1

// stateFile is all that outlives the process. It holds values and keys in the clear.
type stateFile struct {
	Format  int
	Clock   time.Duration
	Regions []regionState
	// Materials are by account and key id, since the regions of a multi-Region key share one.
	Materials map[string]*material
}

type regionState struct {
	Account string
	Region  string
	NextSeq uint64
	Secrets []*secret
	Keys    []key
	Aliases map[string]alias
}

func materialName(account, keyID string) string { return account + "/" + keyID }

// LoadState replaces secrets, keys and clock by those that SaveState wrote. A file that does not exist is an empty
// state; one that cannot be understood is an error, and changes nothing.
func (s *Server) LoadState(path string) error {
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var state stateFile
	if err := json.Unmarshal(content, &state); err != nil || state.Format != stateFormat {
		// The decoder's error may quote a value, so it goes no further.
		return fmt.Errorf("%s is not a state of this stand-in", path)
	}
	regions, err := s.restore(&state)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	s.mu.Lock()
	s.regions = regions
	s.mu.Unlock()
	s.clock.offset.Store(int64(state.Clock))
	return nil
}

func (s *Server) restore(state *stateFile) (map[regionKey]*region, error) {
	seen := time.Now().Add(state.Clock - s.opts.ListDelay)
	regions := make(map[regionKey]*region, len(state.Regions))
	for _, rs := range state.Regions {
		where := regionKey{rs.Account, rs.Region}
		r := &region{regionKey: where, secrets: newSecretStore(where, s.opts.ListDelay), keys: newKeyring(where)}
		regions[where] = r
		r.secrets.nextSeq = rs.NextSeq
		for _, kept := range rs.Secrets {
			r.secrets.publish(kept, seen)
		}
		for _, k := range rs.Keys {
			k.material = state.Materials[materialName(rs.Account, k.ID)]
			if k.material == nil || len(k.material.Backing) == 0 {
				return nil, fmt.Errorf("key %s has no material", k.ID)
			}
			r.keys.keys[k.ID] = &k
		}
		for name, a := range rs.Aliases {
			r.keys.aliases[name] = a
		}
		s.makeKeys(r)
	}
	return regions, nil
}

// SaveState writes secrets, keys and clock to a file that only its owner can read, whole or not at all.
func (s *Server) SaveState(path string) error {
	s.dirty.Store(false)
	if err := s.writeState(path); err != nil {
		s.dirty.Store(true)
		return fmt.Errorf("saving the state: %w", err)
	}
	return nil
}

func (s *Server) writeState(path string) error {
	content, err := s.encodeState()
	if err != nil {
		return err
	}
	// CreateTemp makes files of mode 0600.
	temp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	_, err = temp.Write(content)
	if err := errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return err
	}
	return os.Rename(temp.Name(), path)
}

func (s *Server) encodeState() ([]byte, error) {
	state := stateFile{Format: stateFormat, Clock: time.Duration(s.clock.offset.Load()), Materials: make(map[string]*material)}
	for _, r := range s.allRegions() {
		state.Regions = append(state.Regions, r.state())
		for name, m := range r.keys.materials() {
			state.Materials[name] = m
		}
	}
	return json.Marshal(state)
}

// Autosave saves the state every interval in which something changed, and once more when ctx ends. It returns the
// last save's error, after telling each failure to report.
func (s *Server) Autosave(ctx context.Context, path string, every time.Duration, report func(error)) error {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return s.SaveState(path)
		case <-ticker.C:
			if !s.dirty.Load() {
				continue
			}
			if err := s.SaveState(path); err != nil {
				report(err)
			}
		}
	}
}
