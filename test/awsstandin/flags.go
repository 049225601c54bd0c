package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/your-org/keeper/test/awsstandin/standin"
)

// errUsage is a command line that was already complained about.
var errUsage = errors.New("bad usage")

type config struct {
	addr   string
	state  string
	quotas string
	// kmsQuota is requests per second; 0 leaves it to quotas.
	kmsQuota float64
	options  standin.Options
}

// parse reads the command line, and tells stderr what is wrong with it.
func parse(args []string, stderr io.Writer) (config, error) {
	cfg := config{options: standin.Options{Accounts: make(map[string]string)}}
	o := &cfg.options
	flags := flag.NewFlagSet("awsstandin", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&cfg.addr, "addr", "127.0.0.1:4566", "address to listen on")
	flags.StringVar(&cfg.state, "state", "", "file that keeps secrets and keys, in the clear, across restarts")
	flags.StringVar(&cfg.quotas, "quotas", "off", "real (AWS's requests per second) or off")
	flags.StringVar(&o.Account, "account", standin.DefaultAccount, "account of access keys that -access-key does not name")
	flags.DurationVar(&o.Latency, "latency", 0, "time added to every call")
	flags.DurationVar(&o.KMSLatency, "kms-latency", 0, "time added to every call of KMS, besides -latency")
	flags.Float64Var(&cfg.kmsQuota, "kms-quota", 0, "cryptographic calls of KMS a second, by account and region; 0 leaves it to -quotas")
	flags.DurationVar(&o.ListDelay, "list-delay", 0, "how old the state is that ListSecrets shows")
	flags.DurationVar(&o.ForceDeleteDelay, "force-delete-delay", 0, "how long a secret deleted without recovery keeps its name")
	flags.Uint64Var(&o.Seed, "seed", 0, "seed of the faults that hit a share of calls")
	flags.Func("kms-alias", "alias, such as alias/keeper, with a key of its own in every region (repeatable)", func(v string) error {
		if !strings.HasPrefix(v, "alias/") {
			return errors.New("an alias begins with alias/")
		}
		o.KMSAliases = append(o.KMSAliases, v)
		return nil
	})
	flags.Func("access-key", "KEYID=ACCOUNT: the account of an access key (repeatable)", func(v string) error {
		key, account, found := strings.Cut(v, "=")
		if !found {
			return errors.New("want KEYID=ACCOUNT")
		}
		o.Accounts[key] = account
		return nil
	})
	flags.Func("role", "ARN=EXTERNALID: a role that can only be assumed with its external id (repeatable)", func(v string) error {
		arn, externalID, found := strings.Cut(v, "=")
		if !found {
			return errors.New("want ARN=EXTERNALID")
		}
		o.Roles = append(o.Roles, standin.Role{ARN: arn, ExternalID: externalID})
		return nil
	})
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return cfg, err
		}
		return cfg, errUsage
	}
	switch {
	case flags.NArg() > 0:
		fmt.Fprintf(stderr, "unexpected argument %q\n", flags.Arg(0))
		return cfg, errUsage
	case cfg.kmsQuota < 0:
		fmt.Fprintln(stderr, "-kms-quota must not be negative")
		return cfg, errUsage
	}
	if err := cfg.setQuotas(); err != nil {
		fmt.Fprintln(stderr, err)
		return cfg, errUsage
	}
	return cfg, nil
}

func (cfg *config) setQuotas() error {
	quotas := map[string]float64{}
	switch cfg.quotas {
	case "real":
		quotas = standin.RealQuotas()
	case "off":
	default:
		return fmt.Errorf("-quotas is real or off, not %q", cfg.quotas)
	}
	if cfg.kmsQuota > 0 {
		quotas[standin.QuotaKMSCryptography] = cfg.kmsQuota
	}
	cfg.options.Quotas = quotas
	return nil
}
