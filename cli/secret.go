package cli

import (
	"context"
	"fmt"
	"io"
	"sort"
	"strings"

	"github.com/spf13/cobra"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/client"
	"github.com/your-org/keeper/fault"
)

func (e *env) secretsCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "secrets", Short: "Secrets and their versions"}
	cmd.AddCommand(e.secretsListCommand(), e.secretsCreateCommand(), e.secretsGetCommand(), e.secretsRevealCommand(),
		e.secretsExportCommand(), e.secretsUpdateCommand(), e.secretsVersionsCommand(), e.secretsRollbackCommand(), e.secretsDeleteCommand(), e.secretsUndeleteCommand(), e.secretsBulkCommand())
	return cmd
}

// secretCommand is a command about one secret: its name as argument, its environment as flag.
type secretCommand struct {
	environment string
	deleted     bool // the secret is looked for among the deleted ones
}

func (s *secretCommand) bind(cmd *cobra.Command) *cobra.Command {
	cmd.Args = cobra.ExactArgs(1)
	cmd.Flags().StringVarP(&s.environment, "environment", "e", "", "environment, by name or id (required)")
	_ = cmd.MarkFlagRequired("environment") // the flag exists
	return cmd
}

// find finds the secret that the command is about.
func (s *secretCommand) find(ctx context.Context, e *env, name string) (*client.Client, api.Secret, error) {
	c, err := e.client()
	if err != nil {
		return nil, api.Secret{}, err
	}
	secret, err := c.FindSecret(ctx, api.EnvironmentNamed(s.environment), name, s.deleted)
	return c, secret, err
}

func (e *env) secretsListCommand() *cobra.Command {
	var params api.ListSecretsParams
	var tag string
	cmd := &cobra.Command{
		Use: "list", Short: "List secrets, without values", Args: cobra.NoArgs,
		Example: `  keeper secrets list --environment production --search stripe
  keeper secrets list --type CERTIFICATE --tag team=payments -o json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := e.client()
			if err != nil {
				return err
			}
			params.TagKey, params.TagValue, _ = strings.Cut(tag, "=")
			all, err := client.Collect(c.Secrets(cmd.Context(), params))
			if err != nil {
				return err
			}
			return e.printSecrets(cmd.Context(), c, all)
		},
	}
	flags := cmd.Flags()
	flags.StringSliceVarP(&params.EnvironmentID, "environment", "e", nil, "only these environments, by name or id")
	flags.StringVar(&params.Search, "search", "", "part of the name, description or owner")
	flags.StringSliceVar(&params.SecretType, "type", nil, "only these types")
	flags.StringVar(&tag, "tag", "", "only with this tag: key, or key=value")
	flags.BoolVar(&params.Deleted, "deleted", false, "the deleted ones instead")
	return cmd
}

func (e *env) printSecrets(ctx context.Context, c *client.Client, all []api.Secret) error {
	environments, err := c.ListEnvironments(ctx)
	if err != nil {
		return err
	}
	names := map[int64]string{}
	for _, one := range environments.Items {
		names[one.ID] = one.Name
	}
	if all == nil {
		all = []api.Secret{}
	}
	return e.print(all, func(w io.Writer) {
		rows := make([][]any, len(all))
		for i, s := range all {
			rows[i] = []any{s.ID, names[s.EnvironmentID], s.Name, s.SecretType, s.Version, moment(s.UpdatedAt), s.UpdatedBy}
		}
		grid(w, []string{"id", "environment", "name", "type", "version", "updated", "by"}, rows)
	})
}

// secretFlags are the flags of what a person may set of a secret.
type secretFlags struct {
	file, description, owner, expires, comment string
	tags                                       []string
	rotate                                     int
}

func (f *secretFlags) bind(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.file, "value-file", "", "read the value from this file, unchanged; default: standard input")
	flags.StringVar(&f.description, "description", "", "what it is for")
	flags.StringVar(&f.owner, "owner", "", "who answers for it")
	flags.StringVar(&f.expires, "expires", "", "when the value stops being good: 90d, or a date; never takes it away")
	flags.StringVar(&f.comment, "comment", "", "stands with the new version")
	flags.StringSliceVar(&f.tags, "tag", nil, "key=value, repeatable; all of them together replace what was there")
	flags.IntVar(&f.rotate, "rotate-every", 0, "remind after so many days without a change; 0: no reminder")
}

func (e *env) secretsCreateCommand() *cobra.Command {
	var s secretCommand
	var f secretFlags
	var kind string
	cmd := s.bind(&cobra.Command{
		Use: "create NAME", Short: "Make a secret; the value is read from standard input",
		Example: `  openssl rand -base64 24 | keeper secrets create payments/db/password -e production --type PASSWORD
  keeper secrets create tls/api -e production --type CERTIFICATE --value-file api.pem`,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := e.client()
			if err != nil {
				return err
			}
			tags, err := parseTags(f.tags)
			if err != nil {
				return err
			}
			value, err := e.readValue(f.file)
			if err != nil {
				return err
			}
			expires, err := f.expiry()
			if err != nil {
				return err
			}
			created, err := c.CreateSecret(cmd.Context(), api.NewSecret{
				EnvironmentID: api.EnvironmentNamed(s.environment), Name: args[0], SecretType: kind, Value: value, Tags: tags,
				Description: f.description, Owner: f.owner, Comment: f.comment, RotateEveryDays: f.rotate, ExpiresAt: expires,
			})
			if err != nil {
				return err
			}
			return e.printSecret(created)
		},
	})
	f.bind(cmd)
	cmd.Flags().StringVar(&kind, "type", "TEXT", "PASSWORD, API_KEY, SSH_KEY, CERTIFICATE, JSON, YAML or TEXT")
	return cmd
}

func (f *secretFlags) expiry() (api.Expiry, error) {
	if f.expires == "never" {
		return api.NeverExpires(), nil
	}
	at, err := parseExpiry(f.expires, now())
	if err != nil || at == nil {
		return api.Expiry{}, err
	}
	return api.ExpiresAt(*at), nil
}

func (e *env) printSecret(s api.Secret) error {
	return e.print(s, func(w io.Writer) {
		facts(w, "name", s.Name, "id", fmt.Sprint(s.ID), "type", string(s.SecretType), "version", fmt.Sprint(s.Version),
			"size", fmt.Sprintf("%d bytes", s.Size), "description", s.Description, "owner", s.Owner, "tags", tagList(s.Tags),
			"expires", moment(s.ExpiresAt), "change due", moment(s.RotationDueAt), "updated", moment(s.UpdatedAt)+" by "+s.UpdatedBy,
			"deleted", moment(s.DeletedAt), "undelete until", moment(s.UndeleteUntil))
		if c := s.Facts.Certificate; c != nil {
			facts(w, "subject", c.Subject, "issuer", c.Issuer, "names", strings.Join(c.DNSNames, ", "), "valid until", moment(c.NotAfter))
		}
		if k := s.Facts.SSHKey; k != nil {
			facts(w, "key", k.Kind, "fingerprint", k.Fingerprint)
		}
		facts(w, "keys", strings.Join(s.Facts.Keys, ", "))
	})
}

func tagList(tags api.Tags) string {
	pairs := make([]string, 0, len(tags))
	for key, value := range tags {
		pairs = append(pairs, key+"="+value)
	}
	sort.Strings(pairs)
	return strings.Join(pairs, ", ")
}

func (e *env) secretsGetCommand() *cobra.Command {
	var s secretCommand
	return s.bind(&cobra.Command{
		Use: "get NAME", Short: "Show what is known of a secret, without its value, and where it is synced",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, secret, err := s.find(cmd.Context(), e, args[0])
			if err != nil {
				return err
			}
			if err := e.printSecret(secret); err != nil || e.output == "json" {
				return err
			}
			states, err := c.ListSecretStates(cmd.Context(), secret.ID)
			if err != nil || len(states.Items) == 0 {
				return err
			}
			fmt.Fprintln(e.std.Out)
			return e.printStates(cmd.Context(), c, states.Items)
		},
	})
}

func (e *env) secretsRevealCommand() *cobra.Command {
	var s secretCommand
	var version int64
	cmd := s.bind(&cobra.Command{
		Use: "reveal NAME", Short: "Print a secret's value, exactly; this is recorded",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, secret, err := s.find(cmd.Context(), e, args[0])
			if err != nil {
				return err
			}
			if version != 0 {
				v, err := c.GetVersion(cmd.Context(), secret.ID, version)
				if err != nil {
					return err
				}
				return e.printValue(v.Value)
			}
			revealed, err := c.RevealSecret(cmd.Context(), secret.ID)
			if err != nil {
				return err
			}
			if revealed.ValueHidden {
				return fault.New(fault.Forbidden, "You may see this secret, but not its value.").WithHint("Ask a manager of the environment for the role reader.")
			}
			return e.printValue(revealed.Value)
		},
	})
	cmd.Flags().Int64Var(&version, "version", 0, "an earlier version instead of the current one")
	return cmd
}

// printValue writes a value that somebody asked for, and nothing else.
func (e *env) printValue(v api.Value) error {
	if e.output == "json" {
		return e.print(map[string]string{"value": v.Reveal()}, nil)
	}
	_, err := io.WriteString(e.std.Out, v.Reveal())
	return err
}

func (e *env) secretsUpdateCommand() *cobra.Command {
	var s secretCommand
	var f secretFlags
	var revision int64
	var keep bool
	cmd := s.bind(&cobra.Command{
		Use: "update NAME", Short: "Write a new version; the value is read from standard input",
		Long: `Write a new version; the value is read from standard input or --value-file. With
--keep-value only the description and the like change, those that are given.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			change, err := f.change(cmd)
			if err != nil {
				return err
			}
			c, secret, err := s.find(cmd.Context(), e, args[0])
			if err != nil {
				return err
			}
			if !keep {
				if change.Value, err = e.readValue(f.file); err != nil {
					return err
				}
			}
			updated, err := c.UpdateSecret(cmd.Context(), secret.ID, change, revision)
			if err != nil {
				return err
			}
			return e.printSecret(updated)
		},
	})
	f.bind(cmd)
	cmd.Flags().BoolVar(&keep, "keep-value", false, "leave the value as it is")
	cmd.Flags().Int64Var(&revision, "if-revision", 0, "only where the secret still is at this revision")
	return cmd
}

// change is what the flags that were given say.
func (f *secretFlags) change(cmd *cobra.Command) (api.SecretChange, error) {
	change := api.SecretChange{Comment: f.comment}
	given := cmd.Flags().Changed
	if given("description") {
		change.Description = &f.description
	}
	if given("owner") {
		change.Owner = &f.owner
	}
	if given("rotate-every") {
		change.RotateEveryDays = &f.rotate
	}
	if given("tag") {
		tags, err := parseTags(f.tags)
		if err != nil {
			return change, err
		}
		change.Tags = &tags
	}
	var err error
	change.ExpiresAt, err = f.expiry()
	return change, err
}

func (e *env) secretsVersionsCommand() *cobra.Command {
	var s secretCommand
	return s.bind(&cobra.Command{
		Use: "versions NAME", Short: "List a secret's versions, newest first",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, secret, err := s.find(cmd.Context(), e, args[0])
			if err != nil {
				return err
			}
			versions, err := client.Collect(c.Versions(cmd.Context(), secret.ID))
			if err != nil {
				return err
			}
			return e.print(versions, func(w io.Writer) {
				rows := make([][]any, len(versions))
				for i, v := range versions {
					rows[i] = []any{v.Number, moment(v.CreatedAt), v.CreatedBy, v.Size, v.Comment}
				}
				grid(w, []string{"version", "created", "by", "bytes", "comment"}, rows)
			})
		},
	})
}

func (e *env) secretsRollbackCommand() *cobra.Command {
	var s secretCommand
	var rollback api.Rollback
	cmd := s.bind(&cobra.Command{
		Use: "rollback NAME", Short: "Make an earlier version's value the newest version",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, secret, err := s.find(cmd.Context(), e, args[0])
			if err != nil {
				return err
			}
			updated, err := c.RollbackSecret(cmd.Context(), secret.ID, rollback, 0)
			if err != nil {
				return err
			}
			return e.printSecret(updated)
		},
	})
	cmd.Flags().Int64Var(&rollback.Version, "version", 0, "the version whose value comes back (required)")
	cmd.Flags().StringVar(&rollback.Comment, "comment", "", "stands with the new version")
	_ = cmd.MarkFlagRequired("version") // the flag exists
	return cmd
}

func (e *env) secretsDeleteCommand() *cobra.Command {
	var s secretCommand
	var yes bool
	cmd := s.bind(&cobra.Command{
		Use: "delete NAME", Short: "Delete a secret and, within their recovery windows, its copies",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, secret, err := s.find(cmd.Context(), e, args[0])
			if err != nil {
				return err
			}
			if !yes && !e.confirm("This deletes "+secret.Name+" and its copies; it can be undeleted for a while. Type its name to go on: ", secret.Name) {
				return fault.New(fault.Invalid, "Nothing was deleted.").WithHint("Type the name when asked, or give --yes.")
			}
			deleted, err := c.DeleteSecret(cmd.Context(), secret.ID, secret.Revision)
			if err != nil {
				return err
			}
			return e.printSecret(deleted)
		},
	})
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

func (e *env) secretsUndeleteCommand() *cobra.Command {
	s := secretCommand{deleted: true}
	return s.bind(&cobra.Command{
		Use: "undelete NAME", Short: "Bring a deleted secret and its copies back",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, secret, err := s.find(cmd.Context(), e, args[0])
			if err != nil {
				return err
			}
			restored, err := c.UndeleteSecret(cmd.Context(), secret.ID)
			if err != nil {
				return err
			}
			return e.printSecret(restored)
		},
	})
}
