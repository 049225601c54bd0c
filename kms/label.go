package kms

import (
	"strconv"
	"strings"

	"github.com/your-org/keeper/models"
)

// VersionLabel is what a version's ciphertext is bound to: moved to another row it does not
// open.
func VersionLabel(e models.EnvironmentID, id models.SecretID, number models.VersionNumber) Label {
	return Label{Kind: KindVersion, Environment: e, Object: strconv.FormatInt(int64(id), 10), Number: int64(number)}
}

// CredentialsLabel binds credentials to their destination and to where it is: moved to
// another row, or with another address written beside them, they do not open, and so go
// nowhere.
func CredentialsLabel(d models.Destination) Label {
	place := strings.Join([]string{string(d.ID), string(d.Kind), d.Config.Endpoint, d.Config.Address}, "\n")
	return Label{Kind: KindCredentials, Environment: d.EnvironmentID, Object: place}
}

// ChannelLabel binds a channel's secret to the channel and to where it leads.
func ChannelLabel(c models.AlertChannel) Label {
	place := strings.Join([]string{string(c.ID), string(c.Kind), c.Address}, "\n")
	return Label{Kind: KindChannel, Environment: c.EnvironmentID, Object: place}
}

// HashKeyID names the data key of an environment's keyed hash.
func HashKeyID(env models.EnvironmentID) models.DataKeyID { return hashKeyID(env) }

// Context is the encryption context that an environment's data keys are bound to.
func (e *Envelope) Context(env models.Environment) Context { return e.context(env) }
