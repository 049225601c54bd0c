package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/api/receipt"
	"github.com/your-org/keeper/fault"
	keepersync "github.com/your-org/keeper/sync"
)

// maxReceipt bounds what is read of a file with a receipt, in bytes: what a request may hold.
const maxReceipt = 1 << 20

func (e *env) syncReceiptCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use: "receipt RUN", Short: "Print the signed receipt of a run", Args: cobra.ExactArgs(1),
		Long: `Print the signed receipt of a run: what was equal at the destination, how that was seen, and
what was not. Each run that ended well has one: over everything there, or over the names that
it looked at, which it lists. keeper sync verify checks it.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := e.client()
			if err != nil {
				return err
			}
			signed, err := c.GetReceipt(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if out == "" {
				return e.print(signed, func(w io.Writer) { fmt.Fprint(w, signed.Text) })
			}
			if err := os.WriteFile(out, []byte(signed.Text), 0o600); err != nil {
				return fault.Wrap(err, fault.Invalid, "The receipt cannot be saved in %s.", out)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "save the receipt in this file")
	return cmd
}

func (e *env) syncReceiptKeyCommand() *cobra.Command {
	var environment string
	cmd := &cobra.Command{
		Use: "receipt-key", Short: "Print the public key that checks an environment's receipts", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := e.client()
			if err != nil {
				return err
			}
			key, err := c.GetReceiptKey(cmd.Context(), environment)
			if err != nil {
				return err
			}
			return e.print(key, func(w io.Writer) { fmt.Fprintln(w, key.Key) })
		},
	}
	cmd.Flags().StringVarP(&environment, "environment", "e", "", "environment, by name or id (required)")
	_ = cmd.MarkFlagRequired("environment") // the flag exists
	return cmd
}

func (e *env) syncVerifyCommand() *cobra.Command {
	var key string
	var readAgain bool
	cmd := &cobra.Command{
		Use: "verify RECEIPT", Short: "Check a receipt", Args: cobra.ExactArgs(1),
		Long: `Check a receipt, which is a file. With --key it is checked here, without any server, under
the public key that keeper sync receipt-key printed; else the server that signed it is
asked. With --read-again that server reads every value at the destination now, which costs
calls there, and compares.

EXIT STATUS
  0  the receipt is true; with --read-again, the destination holds what it says
  1  the receipt is not true, or the destination holds something else`,
		Example: `  keeper sync verify receipt.txt --key "$(cat production.pub)"
  keeper sync verify receipt.txt --read-again`,
		RunE: func(cmd *cobra.Command, args []string) error {
			verified, err := e.verify(cmd.Context(), args[0], key, readAgain)
			if isUntrue(err) {
				_, text := explain(err)
				fmt.Fprintln(e.std.Err, "keeper: "+text)
				return quietExit(exitFailed)
			}
			if err != nil {
				return err
			}
			err = e.print(verified, func(w io.Writer) { printVerification(w, verified) })
			if err == nil && verified.Again != nil && !verified.Again.Matches {
				return quietExit(exitFailed)
			}
			return err
		},
	}
	cmd.Flags().StringVar(&key, "key", "", "check under this public key, without a server")
	cmd.Flags().BoolVar(&readAgain, "read-again", false, "have the server read the destination now and compare")
	return cmd
}

// errUntrue is what a receipt is that somebody else signed or changed.
type errUntrue struct{ error }

func (e errUntrue) Unwrap() error { return e.error }

func isUntrue(err error) bool { return errors.As(err, new(errUntrue)) }

// verify checks the receipt in a file: here where a key is given, at the server where none is
// given or the destination is to be read again.
func (e *env) verify(ctx context.Context, file, key string, readAgain bool) (api.Verification, error) {
	text, err := readReceipt(file)
	if err != nil {
		return api.Verification{}, err
	}
	var here api.Verification
	if key != "" {
		signed, err := keepersync.OpenReceipt(text, key)
		if err != nil {
			return here, errUntrue{err}
		}
		if here.Receipt = receipt.Facts(signed); !readAgain {
			return here, nil
		}
	}
	c, err := e.client()
	if err != nil {
		return here, err
	}
	there, err := c.VerifyReceipt(ctx, api.ReceiptClaim{Text: text, ReadAgain: readAgain})
	var problem *api.Problem
	if errors.As(err, &problem) && problem.Status == http.StatusBadRequest {
		return there, errUntrue{err}
	}
	return there, err
}

func readReceipt(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", fault.Wrap(err, fault.Invalid, "The receipt %s cannot be read.", path)
	}
	defer func() { _ = file.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(file, maxReceipt))
	if err != nil {
		return "", fault.Wrap(err, fault.Invalid, "The receipt %s cannot be read.", path)
	}
	return string(text), nil
}

func printVerification(w io.Writer, v api.Verification) {
	r := v.Receipt
	seen := r.Proven.Evidence
	fmt.Fprintln(w, "The receipt is true.")
	facts(w, "installation", r.Installation, "environment", r.Environment, "destination", r.DestinationName+" ("+string(r.DestinationKind)+")",
		"run", r.RunID, "plan", r.PlanID, "about", about(r.Proven.Part), "looked at", moment(r.StartedAt)+" to "+moment(r.EndedAt),
		"equal", fmt.Sprintf("%d (%d by version, %d by value, %d by write)", r.Proven.Equal, seen.Version, seen.Value, seen.Write),
		"not equal", fmt.Sprint(r.Proven.Exceptions), "root", r.Proven.ReadBack.Root)
	printExceptions(w, r.Proven.Named, r.Proven.Exceptions)
	again := v.Again
	if again == nil {
		return
	}
	if again.Matches {
		fmt.Fprintf(w, "\nThe destination holds what the receipt says; read again %s.\n", moment(again.At))
	} else {
		fmt.Fprintf(w, "\nThe destination does not hold what the receipt says; read again %s.\n", moment(again.At))
	}
	printExceptions(w, again.Differences, again.Differ)
}

// toldNames is how many of the names that a receipt speaks of are told.
const toldNames = 5

// about are the names that a receipt speaks of.
func about(part *api.ProvenPart) string {
	switch {
	case part == nil:
		return "everything there"
	case part.Names > toldNames:
		return fmt.Sprintf("%d names: %s, …", part.Names, strings.Join(part.First[:toldNames], ", "))
	default:
		return strings.Join(part.First, ", ")
	}
}

func printExceptions(w io.Writer, named []api.ReceiptException, all int) {
	if len(named) == 0 {
		return
	}
	rows := make([][]any, len(named))
	for i, one := range named {
		rows[i] = []any{one.Name, one.Status, one.Why}
	}
	fmt.Fprintln(w)
	grid(w, []string{"name there", "state", "why"}, rows)
	if more := all - len(named); more > 0 {
		fmt.Fprintf(w, "and %d more\n", more)
	}
}
