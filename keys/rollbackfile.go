package keys

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// rollbackFormat is the first word of a rollback file. Each line is a JSON object of an entry
// and a MAC, which is made over the MAC of the line before and the entry's bytes as they
// stand: a line that was changed, moved, put in or left out is found at its number. What a
// chain cannot tell is that lines are missing at the end; Rollback therefore counts what
// stands outside the file.
const rollbackFormat = "keeper rollback file v1"

// maxRollbackLine bounds a line: a data key has a handful of wrapped keys.
const maxRollbackLine = 1 << 20

type rollbackHeader struct {
	Format       string    `json:"format"`
	Installation string    `json:"installation"`
	At           time.Time `json:"at"`
}

// rollbackEntry is what a migration took away from one data key. It holds no plaintext: a
// wrapped key opens for its recipient alone.
type rollbackEntry struct {
	Environment models.EnvironmentID `json:"environment"`
	DataKey     models.DataKeyID     `json:"data_key"`
	Removed     []rollbackWrap       `json:"removed"`
	Before      []rollbackRecipient  `json:"before"` // all for whom it was wrapped
	Added       []rollbackRecipient  `json:"added"`
}

type rollbackRecipient struct {
	Kind models.RecipientKind `json:"kind"`
	ID   string               `json:"id"`
}

type rollbackWrap struct {
	rollbackRecipient
	Blob      []byte    `json:"blob"`
	CreatedAt time.Time `json:"created_at"`
}

type rollbackLine struct {
	Entry json.RawMessage `json:"entry"`
	MAC   string          `json:"mac"` // hex
}

// chain makes and checks the MACs of lines in their order.
type chain struct{ key, last []byte }

func (s *Service) newChain(installation string) *chain {
	mac := hmac.New(sha256.New, s.sealKey("keeper rollback file v1"))
	_, _ = mac.Write([]byte(installation)) // a hash never fails to write
	return &chain{key: mac.Sum(nil)}
}

func (c *chain) mac(entry []byte) []byte {
	mac := hmac.New(sha256.New, c.key)
	_, _ = mac.Write(c.last) // empty before the first line, else of one length
	_, _ = mac.Write(entry)
	return mac.Sum(nil)
}

// line encodes an entry as the next line.
func (c *chain) line(entry any) ([]byte, error) {
	raw, err := json.Marshal(entry)
	if err != nil {
		return nil, err
	}
	c.last = c.mac(raw)
	line, err := json.Marshal(rollbackLine{Entry: raw, MAC: hex.EncodeToString(c.last)})
	return append(line, '\n'), err
}

// check is the entry of a line, where that is just as it was written.
func (c *chain) check(line []byte) (json.RawMessage, bool) {
	var l rollbackLine
	if json.Unmarshal(line, &l) != nil {
		return nil, false
	}
	mac := c.mac(l.Entry)
	written, err := json.Marshal(rollbackLine{Entry: l.Entry, MAC: hex.EncodeToString(mac)})
	if err != nil || !hmac.Equal(append(written, '\n'), line) {
		return nil, false
	}
	c.last = mac
	return l.Entry, true
}

// readRollback checks a whole file and returns its entries, and how many bytes of it are
// whole lines. A last line without its end is one that was being written when the writer
// died, before anything was taken away for it: it is left out.
func (s *Service) readRollback(r io.Reader, c *chain, installation string) (entries []rollbackEntry, good int64, err error) {
	lines := bufio.NewReaderSize(r, 64<<10)
	for number := 1; ; number++ {
		line, err := readLine(lines)
		if errors.Is(err, io.EOF) {
			return entries, good, nil
		}
		if err != nil {
			return nil, 0, err
		}
		raw, ok := c.check(line)
		if !ok && number == 1 {
			return nil, 0, foreignFile(line, installation)
		}
		if !ok {
			return nil, 0, fault.New(fault.Invalid, "Line %d of the rollback file is not as it was written; nothing was done.", number).
				WithHint("Use an unchanged copy of the file, with the SECRET_KEY that it was written with.")
		}
		good += int64(len(line))
		if number == 1 {
			continue
		}
		var entry rollbackEntry
		if err := json.Unmarshal(raw, &entry); err != nil {
			return nil, 0, fault.New(fault.Invalid, "Line %d of the rollback file is of a form that this Keeper does not know; nothing was done.", number)
		}
		entries = append(entries, entry)
	}
}

// readLine is a line with its end; io.EOF also where the end is missing.
func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case err == nil:
			return line, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		case len(line) > maxRollbackLine:
			return nil, fault.New(fault.Invalid, "The rollback file has a line that no rollback file has; nothing was done.")
		}
	}
}

// foreignFile says why the first line is not one of this installation.
func foreignFile(line []byte, installation string) error {
	var l rollbackLine
	var h rollbackHeader
	_ = json.Unmarshal(line, &l)
	_ = json.Unmarshal(l.Entry, &h)
	switch {
	case h.Format != rollbackFormat:
		return fault.New(fault.Invalid, "The file is no rollback file; nothing was done.").WithHint("Name another file.")
	case h.Installation != installation:
		return fault.New(fault.Invalid, "The rollback file belongs to another installation, %s; nothing was done.", h.Installation).WithHint("Name another file.")
	default:
		return fault.New(fault.Invalid, "Line 1 of the rollback file is not as it was written; nothing was done.").
			WithHint("Use an unchanged copy of the file, with the SECRET_KEY that it was written with.")
	}
}

// rollbackFile is a rollback file that is being written.
type rollbackFile struct {
	file  *os.File
	chain *chain
	size  int64
}

// openRollback makes a rollback file, or goes on with one that stands.
func (s *Service) openRollback(ctx context.Context, path string) (*rollbackFile, error) {
	installation, err := s.installation(ctx)
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "The rollback file %s cannot be written; nothing was done.", path).WithHint("Name a file in a folder that stands and may be written to.")
	}
	f := &rollbackFile{file: file, chain: s.newChain(installation)}
	if err := f.goOn(s, installation); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return f, nil
}

// goOn cuts off a torn last line, begins an empty file, and has the name durable too.
func (f *rollbackFile) goOn(s *Service, installation string) (err error) {
	if _, f.size, err = s.readRollback(f.file, f.chain, installation); err != nil {
		return err
	}
	if f.size == 0 {
		if err := f.ownBeginning(); err != nil {
			return err
		}
	}
	if err := f.file.Truncate(f.size); err != nil {
		return err
	}
	if f.size > 0 {
		return nil
	}
	if err := f.append(rollbackHeader{Format: rollbackFormat, Installation: installation, At: s.Now().UTC()}); err != nil {
		return err
	}
	folder, err := os.Open(filepath.Dir(f.file.Name()))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// ownBeginning refuses a file without a whole line that is not the torn first line of a
// rollback file: it is somebody else's, and may be the only copy of a key.
func (f *rollbackFile) ownBeginning() error {
	own := []byte(`{"entry":{"format":"` + rollbackFormat + `"`)
	head := make([]byte, len(own))
	n, err := f.file.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if !bytes.HasPrefix(own, head[:n]) {
		return fault.New(fault.Invalid, "The file %s is there and is no rollback file; nothing was done.", f.file.Name()).WithHint("Name another file.")
	}
	return nil
}

// append writes entries durably: when it returns, they survive whatever comes.
func (f *rollbackFile) append(entries ...any) error {
	info, err := f.file.Stat()
	if err != nil {
		return err
	}
	if info.Size() != f.size {
		return fault.New(fault.Conflict, "The rollback file %s is being written by another process; nothing more was done.", f.file.Name()).
			WithHint("Let one migration at a time write to a file.")
	}
	var text bytes.Buffer
	for _, entry := range entries {
		line, err := f.chain.line(entry)
		if err != nil {
			return err
		}
		_, _ = text.Write(line) // a buffer never fails to write
	}
	n, err := f.file.WriteAt(text.Bytes(), f.size)
	if err == nil {
		err = f.file.Sync()
	}
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, "The rollback file %s cannot be written; nothing more was done.", f.file.Name()).WithHint("Make room on its disk, and go on.")
	}
	f.size += int64(n)
	return nil
}

// installation is the identity of this installation, which a rollback file bears.
func (s *Service) installation(ctx context.Context) (id string, err error) {
	err = s.Store.Write(ctx, func(tx *store.Tx) error {
		id, err = tx.PutSettingIfAbsent("installation_id", models.NewID("keeper"))
		return err
	})
	return id, err
}
