package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms/recovery"
	"github.com/your-org/keeper/models"
)

// maxIdentityFile bounds an identity file, in bytes.
const maxIdentityFile = 1 << 20

// readIdentity reads an identity file that its owner alone may read; "" is none. The caller
// wipes what it returns.
func readIdentity(path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "The identity file %s cannot be read.", path).WithHint("Check the path and its permissions.")
	}
	defer func() { _ = f.Close() }() // nothing was written
	// Looked at after opening, so that what is checked is what is read.
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil, fault.New(fault.Invalid, "The identity file %s is not a regular file.", path).WithHint("Put the identity into a file of mode 0600.")
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fault.New(fault.Invalid, "The identity file %s can be read or written by others than its owner (mode %04o).", path, mode).
			WithHint("Run: chmod 600 %s", path)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxIdentityFile))
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "The identity file %s cannot be read.", path)
	}
	if _, err := recovery.WithIdentities(bytes.NewReader(text)); err != nil {
		clear(text)
		return nil, err
	}
	return text, nil
}

// answerChallenge opens the sample of a challenge and makes the answer; nil where no held
// identity is the recipient's.
func answerChallenge(held []byte, c api.DrillChallenge) ([]byte, error) {
	answer, err := recovery.Answer(bytes.NewReader(held), c.Blob, c.Recipient, c.Context, c.Nonce)
	if fault.Is(err, fault.Unavailable) {
		return nil, nil
	}
	return answer, err
}

func (e *env) recoveryKeyCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use: "recovery-key", Short: "Make an offline recovery key, and print its public recipient", Args: cobra.NoArgs,
		Long: `Make an offline recovery key: an age identity in a new file of mode 0600, and its recipient, which
is public, on standard output. It talks to no server; make it on the machine where it is to stay.
Keep the file offline and twice: with it and a copy of the database everything can be read.`,
		Example: `  keeper kms recovery-key --out recovery.txt
  keeper kms recipients add -e production --recovery $(age-keygen -y recovery.txt)`,
		RunE: func(*cobra.Command, []string) error {
			identity, recipient, err := recovery.Generate(now())
			if err != nil {
				return err
			}
			defer identity.Zero()
			if err := writeIdentity(out, identity); err != nil {
				return err
			}
			e.say("The identity stands in %s. Keep it offline and twice: with it and a copy of the database everything can be read.", out)
			e.say("Add its recipient to an environment with: keeper kms recipients add -e ENVIRONMENT --recovery %s", recipient)
			return e.print(map[string]string{"recipient": recipient, "file": out}, func(w io.Writer) { fmt.Fprintln(w, recipient) })
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "file that is made; it must not exist (required)")
	_ = cmd.MarkFlagRequired("out") // the flag exists
	return cmd
}

// writeIdentity writes a new file and returns once it would survive a power cut: what is
// wrapped for it is not to be opened without it.
func writeIdentity(path string, identity models.Plaintext) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fault.New(fault.Conflict, "The file %s is there already and was left as it is.", path).WithHint("Name another file with --out.")
	}
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "The file %s cannot be made.", path).WithHint("Check the folder and its permissions.")
	}
	_, err = f.Write(identity.Reveal())
	if err = errors.Join(err, f.Sync(), f.Close(), syncFolder(filepath.Dir(path))); err != nil {
		return fault.Wrap(err, fault.Internal, "The file %s could not be written whole; do not use it.", path)
	}
	return nil
}

func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
