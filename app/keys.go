package app

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"golang.org/x/sync/errgroup"

	"github.com/your-org/keeper/config"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/keys"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/kms/awskms"
	"github.com/your-org/keeper/kms/local"
	"github.com/your-org/keeper/kms/recovery"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// defaultKeyFile is where the local master key stands when no setting says otherwise.
const defaultKeyFile = "keeper.key"

func (a *App) openKeys(ctx context.Context, o Options) error {
	primary, others, err := a.wrappers(ctx, o)
	if err != nil {
		return err
	}
	ttl := time.Duration(a.Config.DataKeyCacheTTL)
	if ttl == 0 {
		ttl = kms.NoCache
	}
	a.Envelope, err = kms.NewEnvelope(keys.NewRows(a.Store), primary, kms.Options{
		Others: others, Context: kms.Context(a.Config.KMSContext), MaxUses: a.Config.DataKeyMaxUses,
		MaxAge: time.Duration(a.Config.DataKeyMaxAge), CacheTTL: ttl, CacheGrace: time.Duration(a.Config.KMSCacheGrace), Now: a.now,
	})
	if err != nil {
		return err
	}
	a.backends = append([]kms.Wrapper{primary}, others...)
	a.onClose(func() error { a.Envelope.Close(); return nil })
	if o.Recover {
		return nil
	}
	return a.verifyKeys(ctx, primary.Kind())
}

func (a *App) buildKeys(ctx context.Context, wake func()) error {
	seal, err := a.sealSecret(ctx)
	if err != nil {
		return err
	}
	a.Keys = keys.New(keys.Deps{
		Alert: a.Alerts.Signal,
		Store: a.Store, Envelope: a.Envelope, Backends: a.backends, Rate: a.Config.KMSRate, ScrubRate: a.Config.ScrubRate,
		ScrubInterval: time.Duration(a.Config.ScrubInterval), RotateKMS: bool(a.Config.KMSKeyRotation), Seal: seal,
		Now: a.now, Log: a.Log, Wake: wake,
	})
	return nil
}

// sealSecret authenticates rollback files and challenges. Without SECRET_KEY, which only
// development does without, it is drawn once and kept in the database: who can write there
// could then forge a rollback file, which production's settings do not allow.
func (a *App) sealSecret(ctx context.Context) ([]byte, error) {
	if secret := a.Config.SecretKey.Reveal(); secret != "" {
		sum := sha256.Sum256([]byte("keeper rollback files and challenges v1\n" + secret))
		return sum[:], nil
	}
	drawn := make([]byte, kms.KeySize)
	_, _ = rand.Read(drawn) // crypto/rand.Read never fails since Go 1.24
	var kept string
	err := a.Store.Write(ctx, func(tx *store.Tx) (err error) {
		kept, err = tx.PutSettingIfAbsent("development_seal", hex.EncodeToString(drawn))
		return err
	})
	if err != nil {
		return nil, err
	}
	return hex.DecodeString(kept)
}

// wrappers are the backend that wraps new data keys, and those that serve other recipients
// and open what is older: an installation that moved from a local key to KMS, or back, has
// the settings of both.
func (a *App) wrappers(ctx context.Context, o Options) (kms.Wrapper, []kms.Wrapper, error) {
	others := []kms.Wrapper{recovery.New()}
	if a.Config.KeyBackend == "local" {
		primary, err := a.localKey(ctx, o)
		if err != nil || a.Config.AWSRegion == "" { // recipients in KMS need no default key
			return primary, others, err
		}
		aws, err := a.awsKey(ctx)
		return primary, append(others, aws), err
	}
	primary, err := a.awsKey(ctx)
	if err != nil || !a.hasLocalKey() {
		return primary, others, err
	}
	older, err := a.localKey(ctx, Options{})
	return primary, append(others, older), err
}

// hasLocalKey reports whether there is a local master key beside KMS: one that the settings
// name, or the one at the default place, which an installation has that was local until now.
func (a *App) hasLocalKey() bool {
	if a.Config.MasterKey.Set() || a.Config.MasterKeyFile != "" {
		return true
	}
	_, err := os.Stat(defaultKeyFile)
	return err == nil
}

func (a *App) awsKey(ctx context.Context) (kms.Wrapper, error) {
	cfg, err := awsConfig(ctx, a.Config, a.Config.AWSRegion, models.DestinationCredentials{})
	if err != nil {
		return nil, err
	}
	return awskms.New(cfg, awskms.Options{
		KeyID: a.Config.KMSKeyID, KeyAlias: a.Config.KMSKeyAlias, Endpoint: a.Config.AWSEndpoint,
		RoleARN: a.Config.KMSRoleARN, ExternalID: a.Config.KMSExternalID,
	})
}

// localKey opens the local master key. A new one is made only for a database that holds
// nothing yet: beside existing data it could only be the wrong one.
func (a *App) localKey(ctx context.Context, o Options) (kms.Wrapper, error) {
	if a.Config.MasterKey.Set() {
		return local.Parse(a.Config.MasterKey.Reveal())
	}
	var keys int
	err := a.Store.Read(ctx, func(tx *store.Tx) (err error) {
		keys, err = tx.CountDataKeys()
		return err
	})
	if err != nil {
		return nil, err
	}
	// Where the old one was lost, all is to be wrapped under a new one.
	return local.Open(cmp.Or(a.Config.MasterKeyFile, defaultKeyFile), o.Recover || o.Server && keys == 0)
}

// verifyTime is how long the start waits for the backends of wrapping keys, all in all, and
// verifyWidth how many environments are tried at once.
const (
	verifyTime  = 5 * time.Second
	verifyWidth = 16
)

// verifyKeys opens a data key of each environment, so that a wrong master key is told now
// and not by the first request. A KMS that is away or refuses does not stop the start: what
// it guards is unknown until it is mended, and the health page says so.
func (a *App) verifyKeys(ctx context.Context, backend models.RecipientKind) error {
	var environments []models.Environment
	err := a.Store.Read(ctx, func(tx *store.Tx) (err error) {
		environments, err = tx.EnvironmentsWithKeys()
		return err
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, verifyTime)
	defer cancel()
	var group errgroup.Group
	group.SetLimit(verifyWidth)
	for _, e := range environments {
		group.Go(func() error {
			err := a.Envelope.Verify(ctx, e)
			waits := backend == models.RecipientKMS && fault.Is(err, fault.Unavailable) || errors.Is(err, kms.ErrUnreachable)
			if err == nil || !waits {
				return err
			}
			a.Log.WarnContext(ctx, "the keys of an environment cannot be opened now", "environment", e.Name, "error", err)
			return nil
		})
	}
	return group.Wait()
}

// awsConfig is the SDK's configuration for a region: with the given credentials, else with
// the settings', else with the SDK's own sources.
func awsConfig(ctx context.Context, c *config.Config, region string, given models.DestinationCredentials) (aws.Config, error) {
	options := []func(*awsconfig.LoadOptions) error{awsconfig.WithRegion(region)}
	switch {
	case given.AccessKeyID.Len() > 0:
		options = append(options, awsconfig.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(
			string(given.AccessKeyID.Reveal()), string(given.SecretAccessKey.Reveal()), string(given.SessionToken.Reveal()))))
	case c.AWSAccessKeyID.Set():
		options = append(options, awsconfig.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(
			c.AWSAccessKeyID.Reveal(), c.AWSSecretKey.Reveal(), c.AWSSessionToken.Reveal())))
	}
	cfg, err := awsconfig.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return cfg, fault.Wrap(err, fault.Invalid, "The AWS settings cannot be loaded.").WithHint("Check AWS_PROFILE and the files it names.")
	}
	return cfg, nil
}
