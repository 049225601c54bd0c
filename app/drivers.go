package app

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
	"github.com/your-org/keeper/sync/awssm"
	"github.com/your-org/keeper/sync/vaultkv"
)

// opener makes drivers, each behind the process's one limiter, with retries and metrics
// from outside.
func (a *App) opener(limiter *keepersync.Limiter) destinations.Opener {
	return func(ctx context.Context, d models.Destination, c models.DestinationCredentials) (keepersync.Driver, error) {
		driver, err := a.driver(ctx, d, c)
		if err != nil {
			return nil, err
		}
		driver = keepersync.Observe(driver, func(op string, took time.Duration, err error) {
			a.Metrics.Call(string(d.Kind), op, took, err)
		})
		return keepersync.Retry(keepersync.Limit(driver, limiter)), nil
	}
}

func (a *App) driver(ctx context.Context, d models.Destination, c models.DestinationCredentials) (keepersync.Driver, error) {
	switch d.Kind {
	case models.DestinationAWS:
		// What Keeper itself may do at AWS is not lent to an endpoint that somebody entered.
		if c.AccessKeyID.Len() == 0 && d.Config.Endpoint != a.Config.AWSEndpoint {
			return nil, fault.InvalidField("credentials", "must be given for an endpoint that is not the installation's own")
		}
		cfg, err := awsConfig(ctx, a.Config, d.Config.Region, c)
		if err != nil {
			return nil, err
		}
		if d.Config.Endpoint != "" {
			cfg.BaseEndpoint = aws.String(d.Config.Endpoint)
		}
		return awssm.New(awssm.Options{
			Config: cfg, Prefix: d.Config.Prefix, KMSKeyID: d.Config.KMSKeyID, RecoveryDays: d.Config.RecoveryDays,
			RoleARN: d.Config.RoleARN, ExternalID: d.Config.ExternalID,
			WriteBurst: d.Config.WriteBurst,
			Tags:       d.Config.Tags, ReplicaRegions: d.Config.ReplicaRegions, ReplicaKMSKeyID: d.Config.ReplicaKMSKeyID,
		}), nil
	case models.DestinationVault:
		return a.vault(d, c)
	default:
		return nil, fault.New(fault.Invalid, "Keeper cannot sync to a destination of kind %s.", d.Kind)
	}
}

// vault makes a Vault driver. The installation's own token serves the installation's own
// mount of its own Vault alone: whoever manages an environment may enter another address or
// mount, and must not reach with the token what the token reaches.
func (a *App) vault(d models.Destination, c models.DestinationCredentials) (keepersync.Driver, error) {
	o := vaultkv.Options{
		Address: d.Config.Address, Namespace: d.Config.Namespace, Mount: d.Config.Mount, Prefix: d.Config.Prefix, CACert: d.Config.CACert,
		ValueKey: d.Config.ValueKey, Whole: d.Config.Shape.Whole(), Destroys: d.Config.DestroyDays > 0,
		AuthPath: d.Config.AuthPath, Role: d.Config.AuthRole,
	}
	method, err := signIn(d.Config.AuthMethod, c)
	if err != nil {
		return nil, err
	}
	switch method {
	case models.VaultKubernetes:
		o.JWTFile = a.Config.KubernetesTokenFile
	case models.VaultAppRole:
		o.RoleID, o.SecretID = c.RoleID, c.SecretID
	case models.VaultJWT:
		if o.Role == "" {
			return nil, fault.InvalidField("config.auth_role", "must name the role at Vault")
		}
		o.JWT = c.JWT
	default:
		o.Token = c.VaultToken
		if o.Token.Len() == 0 && a.own(d) {
			o.Token = models.NewPlaintext([]byte(a.Config.VaultToken.Reveal()))
		}
		if o.Token.Len() == 0 {
			return nil, fault.InvalidField("credentials", "must hold a Vault token, the role id and secret id of an AppRole, or a JSON web token")
		}
	}
	return vaultkv.New(o)
}

// own reports whether a destination is the installation's own mount of its own Vault.
func (a *App) own(d models.Destination) bool {
	return d.Config.Address == a.Config.VaultURL && d.Config.Mount == a.Config.VaultMount && d.Config.Namespace == "" && d.Config.CACert == ""
}

// signIn is the way to sign in that is asked for, or else that the credentials are for.
func signIn(asked models.VaultAuth, c models.DestinationCredentials) (models.VaultAuth, error) {
	given := map[models.VaultAuth]bool{
		models.VaultAppRole: c.RoleID.Len() > 0, models.VaultJWT: c.JWT.Len() > 0, models.VaultToken: c.VaultToken.Len() > 0,
	}
	switch {
	case asked == models.VaultKubernetes:
		return asked, nil
	case asked != "" && asked != models.VaultToken && !given[asked]:
		return asked, fault.InvalidField("credentials", "must be for signing in by %s", asked)
	case asked != "":
		return asked, nil
	case given[models.VaultAppRole]:
		return models.VaultAppRole, nil
	case given[models.VaultJWT]:
		return models.VaultJWT, nil
	}
	return models.VaultToken, nil
}
