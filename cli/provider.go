package cli

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/client"
	"github.com/your-org/keeper/fault"
)

func (e *env) providersCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "providers", Short: "Identity providers that people sign in with (SAML)"}
	cmd.AddCommand(e.providersListCommand(), e.providersShowCommand(), e.providersCreateCommand(), e.providersUpdateCommand(),
		e.providersEnableCommand(), e.providersDisableCommand(), e.providersDeleteCommand(),
		e.providersAct("refresh PROVIDER", "Fetch the metadata now", 1, func(ctx context.Context, c *client.Client, args []string) (api.Provider, error) {
			return c.RefreshProvider(ctx, args[0])
		}),
		e.providersAct("new-key PROVIDER", "Make another key pair, which is published and does not sign yet", 1, func(ctx context.Context, c *client.Client, args []string) (api.Provider, error) {
			return c.CreateProviderKey(ctx, args[0])
		}),
		e.providersAct("use-key PROVIDER FINGERPRINT", "Sign with a key pair from now on", 2, func(ctx context.Context, c *client.Client, args []string) (api.Provider, error) {
			return c.UseProviderKey(ctx, args[0], args[1])
		}),
		e.providersAct("remove-key PROVIDER FINGERPRINT", "Forget a key pair that does not sign", 2, func(ctx context.Context, c *client.Client, args []string) (api.Provider, error) {
			return c.RemoveProviderKey(ctx, args[0], args[1])
		}),
		e.providersPeopleCommand(), e.providersLinkCommand(), e.providersUnlinkCommand(), e.providersMapCommand())
	return cmd
}

func (e *env) providersListCommand() *cobra.Command {
	return e.onServer("list", "List identity providers", cobra.NoArgs, func(ctx context.Context, c *client.Client, _ []string) error {
		list, err := c.ListProviders(ctx)
		if err != nil {
			return err
		}
		return e.print(list.Items, func(w io.Writer) {
			rows := make([][]any, len(list.Items))
			for i, p := range list.Items {
				rows[i] = []any{p.Name, p.Settings.DisplayName, onOff(p.Enabled), p.ProviderEntityID, p.Problem + p.LastError}
			}
			grid(w, []string{"provider", "shown as", "state", "entity id", "trouble"}, rows)
		})
	})
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

func (e *env) providersShowCommand() *cobra.Command {
	return e.providersAct("show PROVIDER", "Show an identity provider, what it is to be told, and certificates", 1,
		func(ctx context.Context, c *client.Client, args []string) (api.Provider, error) {
			return c.GetProvider(ctx, args[0])
		})
}

// providersAct is a command that does something to a provider and shows it then.
func (e *env) providersAct(use, short string, args int, do func(context.Context, *client.Client, []string) (api.Provider, error)) *cobra.Command {
	return e.onServer(use, short, cobra.ExactArgs(args), func(ctx context.Context, c *client.Client, args []string) error {
		p, err := do(ctx, c, args)
		if err != nil {
			return err
		}
		return e.printProvider(p)
	})
}

func (e *env) printProvider(p api.Provider) error {
	return e.print(p, func(w io.Writer) {
		facts(w, "provider", p.Name, "id", p.ID, "state", onOff(p.Enabled), "shown as", p.Settings.DisplayName, "problem", p.Problem,
			"ACS URL", p.AcsURL, "entity id", p.EntityID, "logout URL", p.SloURL, "metadata", p.KeeperMetadataURL,
			"its entity id", p.ProviderEntityID, "its metadata", p.Settings.MetadataURL, "fetched", moment(p.FetchedAt), "fetch failed", p.LastError, "tested", moment(p.TestedAt))
		rows := make([][]any, len(p.Certificates))
		for i, cert := range p.Certificates {
			whose := "provider's"
			if cert.Ours {
				whose = "Keeper's"
			}
			rows[i] = []any{whose, facet(cert.Signs, "signs"), moment(cert.NotAfter), cert.Fingerprint}
		}
		grid(w, []string{"certificate", "", "ends", "fingerprint"}, rows)
	})
}

// providerFlags are those of a provider's settings.
func providerFlags(f *pflag.FlagSet, s *api.ProviderSettings, metadata *string) {
	f.StringVar(&s.DisplayName, "display-name", s.DisplayName, "what people call it")
	f.StringVar(&s.MetadataURL, "metadata-url", s.MetadataURL, "where its metadata is fetched from")
	f.StringVar(metadata, "metadata-file", "", "file with its metadata (XML)")
	f.StringVar(&s.EntityID, "entity-id", s.EntityID, "Keeper's own entity id (default: the address of its metadata)")
	f.StringVar(&s.NameIDFormat, "name-id-format", s.NameIDFormat, "NameID format to ask for")
	f.StringVar(&s.UsernameAttribute, "username-attribute", s.UsernameAttribute, "attribute with the user name (default: the NameID)")
	f.StringVar(&s.EmailAttribute, "email-attribute", s.EmailAttribute, "attribute with the e-mail address")
	f.StringVar(&s.NameAttribute, "name-attribute", s.NameAttribute, "attribute with the name")
	f.StringVar(&s.GroupsAttribute, "groups-attribute", s.GroupsAttribute, "attribute with the groups (default: groups)")
	f.BoolVar(&s.CreateUsers, "create-users", s.CreateUsers, "make accounts at the first sign-in")
	f.BoolVar(&s.EncryptAssertions, "encrypt", s.EncryptAssertions, "have assertions encrypted")
	f.BoolVar(&s.AllowIdpInitiated, "allow-idp-initiated", s.AllowIdpInitiated, "allow sign-ins that begin at the provider")
	f.BoolVar(&s.AllowResponseOnly, "allow-response-only", s.AllowResponseOnly, "accept a signed response around an unsigned assertion")
	f.IntVar(&s.MaxClockSkewSeconds, "clock-skew", s.MaxClockSkewSeconds, "seconds that clocks may differ by (0: 180)")
	f.IntVar(&s.MaxAgeSeconds, "max-age", s.MaxAgeSeconds, "seconds that a response may be old (0: 300)")
}

func readMetadata(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fault.Wrap(err, fault.Invalid, "The file %s cannot be read.", file)
	}
	return string(text), nil
}

func (e *env) providersCreateCommand() *cobra.Command {
	n := api.NewProvider{}
	var file string
	cmd := e.onServer("create PROVIDER", "Set an identity provider up, switched off", cobra.ExactArgs(1), func(ctx context.Context, c *client.Client, args []string) (err error) {
		n.Name = args[0]
		if n.Metadata, err = readMetadata(file); err != nil {
			return err
		}
		p, err := c.CreateProvider(ctx, n)
		if err != nil {
			return err
		}
		return e.printProvider(p)
	})
	providerFlags(cmd.Flags(), &n.Settings, &file)
	return cmd
}

func (e *env) providersUpdateCommand() *cobra.Command {
	var typed api.ProviderSettings
	var file string
	var cmd *cobra.Command
	cmd = e.onServer("update PROVIDER", "Change an identity provider; what is not given stays", cobra.ExactArgs(1), func(ctx context.Context, c *client.Client, args []string) error {
		p, err := c.GetProvider(ctx, args[0])
		if err != nil {
			return err
		}
		// The flags that were given are set once more, over what stands.
		over := pflag.NewFlagSet("", pflag.ContinueOnError)
		providerFlags(over, &p.Settings, new(string))
		cmd.Flags().Visit(func(f *pflag.Flag) {
			if over.Lookup(f.Name) != nil {
				_ = over.Set(f.Name, f.Value.String()) // it was read once already
			}
		})
		change := api.ProviderChange{Settings: &p.Settings}
		if change.Metadata, err = readMetadata(file); err != nil {
			return err
		}
		if p, err = c.UpdateProvider(ctx, args[0], change, p.Revision); err != nil {
			return err
		}
		return e.printProvider(p)
	})
	providerFlags(cmd.Flags(), &typed, &file)
	return cmd
}

func (e *env) providersEnableCommand() *cobra.Command {
	var untested bool
	on := true
	cmd := e.providersAct("enable PROVIDER", "Let people sign in with a provider", 1, func(ctx context.Context, c *client.Client, args []string) (api.Provider, error) {
		return c.UpdateProvider(ctx, args[0], api.ProviderChange{Enabled: &on, Untested: untested}, 0)
	})
	cmd.Flags().BoolVar(&untested, "untested", false, "though no test sign-in went well with its settings")
	return cmd
}

func (e *env) providersDisableCommand() *cobra.Command {
	off := false
	return e.providersAct("disable PROVIDER", "Switch a provider off; the sessions that it opened end", 1, func(ctx context.Context, c *client.Client, args []string) (api.Provider, error) {
		return c.UpdateProvider(ctx, args[0], api.ProviderChange{Enabled: &off}, 0)
	})
}

func (e *env) providersDeleteCommand() *cobra.Command {
	var yes bool
	cmd := e.onServer("delete PROVIDER", "Delete a provider with its groups; accounts stay", cobra.ExactArgs(1), func(ctx context.Context, c *client.Client, args []string) error {
		if err := e.surely(yes, "identity provider", args[0]); err != nil {
			return err
		}
		return c.DeleteProvider(ctx, args[0], 0)
	})
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

func (e *env) providersPeopleCommand() *cobra.Command {
	var params api.ListProviderPeopleParams
	cmd := e.onServer("people PROVIDER", "List the people whom a provider knows", cobra.ExactArgs(1), func(ctx context.Context, c *client.Client, args []string) error {
		people, err := client.Collect(c.ProviderPeople(ctx, args[0], params))
		if err != nil {
			return err
		}
		return e.print(append([]api.ProviderPerson{}, people...), func(w io.Writer) {
			rows := make([][]any, len(people))
			for i, p := range people {
				rows[i] = []any{p.Username, p.NameID, moment(p.LastSignInAt), listed(p.Groups...)}
			}
			grid(w, []string{"user", "name id", "last sign-in", "groups"}, rows)
		})
	})
	cmd.Flags().StringVar(&params.Search, "search", "", "part of the user name, the display name or the NameID")
	return cmd
}

func (e *env) providersLinkCommand() *cobra.Command {
	return e.onServer("link PROVIDER USER NAME-ID", "Link an account that stands to a name at a provider", cobra.ExactArgs(3), func(ctx context.Context, c *client.Client, args []string) error {
		return c.LinkProviderPerson(ctx, args[0], args[1], args[2])
	})
}

func (e *env) providersUnlinkCommand() *cobra.Command {
	return e.onServer("unlink PROVIDER USER", "Forget by what names a provider knows a user", cobra.ExactArgs(2), func(ctx context.Context, c *client.Client, args []string) error {
		return c.UnlinkProviderPerson(ctx, args[0], args[1])
	})
}

func (e *env) providersMapCommand() *cobra.Command {
	var n api.NewGroup
	cmd := e.onServer("map PROVIDER GROUP", "Have a group that a provider sends count in Keeper", cobra.ExactArgs(2), func(ctx context.Context, c *client.Client, args []string) error {
		n.Provider, n.Name = args[0], args[1]
		made, err := c.CreateGroup(ctx, n)
		if err != nil {
			return err
		}
		return e.print(made, func(w io.Writer) { facts(w, "group", made.Name, "id", made.ID, "global role", made.Role) })
	})
	cmd.Flags().StringVar(&n.Role, "role", "", "global role that members get: admin, auditor or user (default: nothing more)")
	cmd.Flags().StringVar(&n.Description, "description", "", "what it is for")
	return cmd
}

func (e *env) samlCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "saml", Short: "Look into SAML sign-ins"}
	cmd.AddCommand(e.samlCheckCommand())
	return cmd
}

func (e *env) samlCheckCommand() *cobra.Command {
	var provider string
	var check api.ProviderCheck
	cmd := e.onServer("check [FILE|-]", "Say what is wrong with a response, or (--name-id) what a person would get", cobra.MaximumNArgs(1),
		func(ctx context.Context, c *client.Client, args []string) error {
			if check.NameID == "" {
				text, err := e.readResponse(args)
				if err != nil {
					return err
				}
				check.Response = text
			}
			found, err := c.CheckProvider(ctx, provider, check)
			if err != nil {
				return err
			}
			if err := e.print(found, func(w io.Writer) { writeFindings(w, check.Response != "", found) }); err != nil {
				return err
			}
			if check.Response != "" && !found.Accepted || found.Outlook != nil && !found.Outlook.Allowed {
				return quietExit(exitFailed)
			}
			return nil
		})
	cmd.Long = `Say what is in a response, what is wrong with it and how to mend that; nothing of it is kept.
With --name-id, say what a person of that name and those groups would get. Nothing changes.

EXIT STATUS
  0  the response would be accepted, and the person let in
  1  it would not`
	cmd.Flags().StringVar(&provider, "provider", "", "identity provider, by name or id (required)")
	_ = cmd.MarkFlagRequired("provider") // the flag exists
	cmd.Flags().StringVar(&check.NameID, "name-id", "", "of a person, in place of a response")
	cmd.Flags().StringVar(&check.Username, "username", "", "of that person (default: the name id)")
	cmd.Flags().StringSliceVar(&check.Groups, "group", nil, "that the provider sends of that person; may be given again")
	return cmd
}

// maxResponse bounds a response that is read.
const maxResponse = 1 << 20

// readResponse reads a response from a file, or from standard input.
func (e *env) readResponse(args []string) (string, error) {
	in := e.std.In
	if len(args) == 1 && args[0] != "-" {
		file, err := os.Open(args[0])
		if err != nil {
			return "", fault.Wrap(err, fault.Invalid, "The file %s cannot be read.", args[0])
		}
		defer func() { _ = file.Close() }() // it was only read
		in = file
	}
	text, err := io.ReadAll(io.LimitReader(in, maxResponse+1))
	switch {
	case err != nil:
		return "", fault.Wrap(err, fault.Invalid, "The response cannot be read.")
	case len(text) > maxResponse:
		return "", fault.New(fault.Invalid, "The response is larger than %d bytes.", maxResponse)
	case len(text) == 0:
		return "", fault.New(fault.Invalid, "There is no response to look at.").WithHint("Give a file, or - for standard input, or a person with --name-id.")
	}
	return string(text), nil
}

func writeFindings(w io.Writer, response bool, f api.ProviderFindings) {
	if response {
		facts(w, "response", map[bool]string{true: "would be accepted, were it new and asked for", false: "is refused"}[f.Accepted],
			"of the response", signatureWord(f.ResponseSignature), "of the assertion", signatureWord(f.AssertionSignature), "encryption", f.Encryption,
			"issuer", f.Issuer, "destination", f.Destination, "recipient", f.Recipient, "audience", listed(f.Audiences...), "in response to", f.InResponseTo,
			"name id", f.NameID, "name id format", f.NameIDFormat, "attributes", listed(f.Attributes...))
	}
	for _, one := range f.Findings {
		fmt.Fprintf(w, "\n%s: %s\n  %s\n", printable(one.Reason), printable(one.Detail), printable(one.Mend))
	}
	for _, note := range f.Notes {
		fmt.Fprintf(w, "note: %s\n", printable(note))
	}
	if f.Outlook == nil {
		return
	}
	o := *f.Outlook
	facts(w, "person", map[bool]string{true: "is let in", false: "is not let in: " + o.Reason}[o.Allowed], "", o.Mend, "user", o.Username,
		"account", facet(o.Creates, "is made at the first sign-in"), "global role", o.Role, "groups", listed(o.Groups...), "unknown groups", listed(o.UnknownGroups...))
	for _, r := range o.Roles {
		facts(w, fmt.Sprintf("environment %d", r.EnvironmentID), r.Role)
	}
}

func signatureWord(s api.ProviderSignature) string {
	switch {
	case !s.Present:
		return "no signature"
	case !s.Valid:
		return "a signature that does not hold"
	case !s.Trusted:
		return "a good signature by a certificate that is not the provider's, " + s.Fingerprint
	}
	return "a good signature, " + s.Algorithm + ", by " + s.Fingerprint
}
