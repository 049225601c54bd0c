package awskms

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/your-org/keeper/kms"
)

// Describe looks a key up by id, ARN or alias; NotFound where there is none. Aliases and
// rotation are left out where Keeper may not read them.
func (w *Wrapper) Describe(ctx context.Context, key string) (kms.KeyInfo, error) {
	meta, client, err := w.look(ctx, key)
	if err != nil {
		return kms.KeyInfo{}, err
	}
	info := kms.KeyInfo{
		ID: aws.ToString(meta.Arn), Enabled: meta.Enabled, State: string(meta.KeyState),
		Region: w.regionOf(aws.ToString(meta.Arn)), Replicas: replicas(meta),
	}
	info.Aliases, _ = aliases(ctx, client, meta.KeyId)
	if status, err := client.GetKeyRotationStatus(ctx, &awskms.GetKeyRotationStatusInput{KeyId: meta.Arn}); err == nil {
		info.Rotation = &status.KeyRotationEnabled
	}
	return info, nil
}

// look asks for what KMS knows of a key, and gives the client of its region.
func (w *Wrapper) look(ctx context.Context, key string) (*types.KeyMetadata, *awskms.Client, error) {
	key, err := w.named(key)
	if err != nil {
		return nil, nil, err
	}
	client, region := w.client(key)
	out, err := client.DescribeKey(ctx, &awskms.DescribeKeyInput{KeyId: &key})
	if err != nil {
		return nil, nil, w.explain(ctx, err, call{permissions: []string{permDescribe}, key: key, region: region})
	}
	return out.KeyMetadata, client, nil
}

// replicas are the ARNs of a multi-region key in the other regions, its primary included.
func replicas(meta *types.KeyMetadata) []string {
	regions := meta.MultiRegionConfiguration
	if regions == nil {
		return nil
	}
	var arns []string
	add := func(key types.MultiRegionKey) {
		if found := aws.ToString(key.Arn); found != "" && found != aws.ToString(meta.Arn) {
			arns = append(arns, found)
		}
	}
	if regions.PrimaryKey != nil {
		add(*regions.PrimaryKey)
	}
	for _, replica := range regions.ReplicaKeys {
		add(replica)
	}
	return arns
}

func aliases(ctx context.Context, client *awskms.Client, keyID *string) ([]string, error) {
	var names []string
	pages := awskms.NewListAliasesPaginator(client, &awskms.ListAliasesInput{KeyId: keyID})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, alias := range page.Aliases {
			names = append(names, aws.ToString(alias.AliasName))
		}
	}
	slices.Sort(names)
	return names, nil
}
