package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/spf13/cobra"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/client"
	"github.com/your-org/keeper/fault"
)

// bulkChanges is the exit code of secrets bulk, as that of sync plan: a pipeline can tell by it
// that there is something to approve.
const bulkChanges = 2

// maxBulk is how many secrets the API changes at once.
const maxBulk = 1000

// bulkFlags are what the flags of secrets bulk say: which secrets, and what becomes of them.
type bulkFlags struct {
	choice            api.ListSecretsParams
	tag               string
	owner, expires    string
	tags, untag       []string
	rotate            int
	remove, undelete  bool
	sync              bool
	yes               bool
	digest            string
	setOwner, setDays bool // were given
}

func (e *env) secretsBulkCommand() *cobra.Command {
	var f bulkFlags
	cmd := &cobra.Command{
		Use: "bulk [NAME...]", Short: "Change, delete or undelete many secrets at once, after a preview, or sync them", Annotations: tells(),
		Long: `Show what a change of many secrets would do, secret by secret, and change nothing; or, with
--yes, do it. The secrets are those that are named, in the environment that -e names, or those
that the flags -e, --search, --type, --tag and --owner choose together; at most 1,000. All of
them change in one transaction, each on record, or none does. --digest takes the digest of a
preview: nothing is done where the preview would be another by now. With it, give --set-expires
as a date. Where one of them cannot be changed, none is. --sync changes none of them and needs no
preview: it has their copies looked at, and put right, at once, and prints the runs that do it.

EXIT STATUS
  0  done; of a preview: nothing would change
  1  failed, or the call is wrong; nothing was changed
  2  of a preview: there is something that would change, or that cannot`,
		Example: `  keeper secrets bulk -e production --search stripe --set-owner payments --set-tag team=payments
  keeper secrets bulk -e production --tag team=old --set-owner infra --digest 5d41…
  keeper secrets bulk legacy/a legacy/b -e staging --delete --yes
  keeper secrets bulk payments/db -e production --sync`,
		RunE: func(cmd *cobra.Command, names []string) error {
			f.setOwner, f.setDays = cmd.Flags().Changed("set-owner"), cmd.Flags().Changed("set-rotate-every")
			changes, err := e.bulk(cmd.Context(), f, names)
			if err == nil && changes {
				return quietExit(bulkChanges)
			}
			return err
		},
	}
	f.bind(cmd)
	return cmd
}

func (f *bulkFlags) bind(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringSliceVarP(&f.choice.EnvironmentID, "environment", "e", nil, "those of these environments, by name or id")
	flags.StringVar(&f.choice.Search, "search", "", "those with this in their name, description or owner")
	flags.StringSliceVar(&f.choice.SecretType, "type", nil, "those of these types")
	flags.StringVar(&f.tag, "tag", "", "those with this tag: key, or key=value")
	flags.StringVar(&f.choice.Owner, "owner", "", "those of this owner, the whole of it")
	flags.StringVar(&f.owner, "set-owner", "", "who answers for them; an empty one takes the owner away")
	flags.StringVar(&f.expires, "set-expires", "", "when the values stop being good: 90d, or a date; never takes it away")
	flags.IntVar(&f.rotate, "set-rotate-every", 0, "remind after so many days without a change; 0: no reminder")
	flags.StringSliceVar(&f.tags, "set-tag", nil, "key=value, repeatable, beside the tags that are there")
	flags.StringSliceVar(&f.untag, "remove-tag", nil, "key of a tag to take away, repeatable")
	flags.BoolVar(&f.remove, "delete", false, "delete them and their copies; they can be undeleted for a while")
	flags.BoolVar(&f.undelete, "undelete", false, "bring deleted ones and their copies back")
	flags.BoolVar(&f.sync, "sync", false, "have their copies looked at and put right now")
	flags.BoolVar(&f.yes, "yes", false, "do it")
	flags.StringVar(&f.digest, "digest", "", "do it, where the preview has this digest still")
}

// bulk previews and, where that is asked for, makes a change. It reports whether there is
// something that a preview alone has to tell.
func (e *env) bulk(ctx context.Context, f bulkFlags, names []string) (tells bool, err error) {
	change, err := f.change()
	if err != nil {
		return false, err
	}
	c, err := e.client()
	if err != nil {
		return false, err
	}
	if change.IDs, err = f.choose(ctx, c, names); err != nil {
		return false, err
	}
	if f.sync {
		return false, e.syncSecrets(ctx, c, f, change)
	}
	if len(change.IDs) == 0 {
		return false, e.printBulk(ctx, c, api.BulkResult{})
	}
	change.DryRun = true
	shown, err := c.ChangeSecrets(ctx, change)
	if err != nil {
		return false, err
	}
	if !f.yes && f.digest == "" {
		return len(shown.IDs) > 0 || refused(shown) > 0, e.printBulk(ctx, c, shown)
	}
	if f.digest != "" && f.digest != shown.Digest {
		return false, fault.New(fault.Stale, "The preview is another by now; nothing was changed.").WithHint("Look at it again, without --digest.")
	}
	if n := refused(shown); n > 0 {
		return false, errors.Join(e.printBulk(ctx, c, shown), fault.New(fault.Conflict, "%d of them cannot be changed; nothing was changed.", n).WithHint("Choose the others alone."))
	}
	if len(shown.IDs) > 0 {
		change.IDs, change.DryRun, change.Digest = shown.IDs, false, shown.Digest
		done, err := c.ChangeSecrets(ctx, change)
		if err != nil {
			return false, err
		}
		shown.Changed = done.Changed
	}
	return false, e.printBulk(ctx, c, shown)
}

// syncSecrets has the copies of the chosen secrets looked at, where nothing else is asked for.
func (e *env) syncSecrets(ctx context.Context, c *client.Client, f bulkFlags, change api.BulkChange) error {
	ids := change.IDs
	if change.IDs = nil; f.digest != "" || !reflect.DeepEqual(change, api.BulkChange{}) {
		return fault.New(fault.Invalid, "--sync stands alone; nothing was started.")
	}
	if len(ids) == 0 {
		return fault.New(fault.NotFound, "No secret is like that; nothing was started.")
	}
	started, err := c.Sync(ctx, api.SyncRequest{SecretIDs: ids})
	if err != nil {
		return err
	}
	destinations, err := chosen(ctx, c, "", "")
	if err != nil {
		return err
	}
	names := destinationNames(destinations)
	return e.print(started.Items, func(w io.Writer) {
		for _, run := range started.Items {
			fmt.Fprintf(w, "%s: run %s\n", names[run.DestinationID], run.ID)
		}
	})
}

// change is what becomes of the secrets.
func (f *bulkFlags) change() (c api.BulkChange, err error) {
	c = api.BulkChange{Delete: f.remove, Undelete: f.undelete, Untag: f.untag}
	if c.Tags, err = parseTags(f.tags); err != nil {
		return c, err
	}
	if len(c.Tags) == 0 {
		c.Tags = nil
	}
	if f.setOwner {
		c.Owner = &f.owner
	}
	if f.setDays {
		c.RotateEveryDays = &f.rotate
	}
	c.ExpiresAt, err = (&secretFlags{expires: f.expires}).expiry()
	return c, err
}

// choose finds the secrets: the named ones, or those that the other flags choose.
func (f *bulkFlags) choose(ctx context.Context, c *client.Client, names []string) (ids []int64, err error) {
	p := f.choice
	p.TagKey, p.TagValue, _ = strings.Cut(f.tag, "=")
	p.Deleted = f.undelete
	narrowed := p.Search != "" || len(p.SecretType) > 0 || f.tag != "" || p.Owner != ""
	switch {
	case len(names) > 0 && narrowed:
		return nil, fault.New(fault.Invalid, "Names and flags that choose do not go together; nothing was changed.")
	case len(names) > 0 && len(p.EnvironmentID) != 1:
		return nil, fault.InvalidField("--environment", "must name the one environment that the names are in")
	case len(names) == 0 && !narrowed && len(p.EnvironmentID) == 0:
		return nil, fault.New(fault.Invalid, "Nothing says which secrets; nothing was changed.").WithHint("Name them, or choose with -e, --search, --type, --tag or --owner.")
	}
	for _, name := range names {
		secret, err := c.FindSecret(ctx, api.EnvironmentNamed(p.EnvironmentID[0]), name, p.Deleted)
		if err != nil {
			return nil, err
		}
		ids = append(ids, secret.ID)
	}
	if len(names) > 0 {
		return ids, nil
	}
	p.Limit = new(200)
	for secret, err := range c.Secrets(ctx, p) {
		if err != nil {
			return nil, err
		}
		if ids = append(ids, secret.ID); len(ids) > maxBulk {
			return nil, fault.New(fault.Invalid, "These are more than %d secrets; nothing was changed.", maxBulk).WithHint("Choose fewer.")
		}
	}
	return ids, nil
}

// refused counts what cannot be changed: with a problem, or not there any more.
func refused(r api.BulkResult) int {
	n := r.Gone
	for _, item := range r.Items {
		if item.Problem != "" {
			n++
		}
	}
	return n
}

func (e *env) printBulk(ctx context.Context, c *client.Client, r api.BulkResult) error {
	environments, err := c.ListEnvironments(ctx)
	if err != nil {
		return err
	}
	names := map[int64]string{}
	for _, one := range environments.Items {
		names[one.ID] = one.Name
	}
	if r.Items == nil {
		r.Items = []api.BulkItem{}
	}
	return e.print(r, func(w io.Writer) {
		var rows [][]any
		same := 0
		for _, item := range r.Items {
			for _, change := range item.Changes {
				rows = append(rows, []any{names[item.EnvironmentID], item.Name, change.Field, change.From, change.To})
			}
			if item.Problem != "" {
				rows = append(rows, []any{names[item.EnvironmentID], item.Name, "cannot be: " + item.Problem, "", ""})
			} else if len(item.Changes) == 0 {
				same++
			}
		}
		if len(rows) > 0 {
			grid(w, []string{"environment", "secret", "field", "from", "to"}, rows)
		}
		verb, n := "would change", len(r.IDs)
		if r.Changed > 0 {
			verb, n = "changed", r.Changed
		}
		fmt.Fprintf(w, "%d %s; %d are so already; %d cannot be\n", n, verb, same, refused(r))
		if r.Changed == 0 && n > 0 {
			fmt.Fprintf(w, "digest %s\n", r.Digest)
		}
	})
}
