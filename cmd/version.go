package cmd

import "runtime/debug"

// unknownVersion is the version of a build that was told none.
const unknownVersion = "dev"

// buildVersion returns the version that the build has set, else the one that
// `go install module@version` leaves in the binary.
func buildVersion(set string) string {
	if set != "" && set != unknownVersion {
		return set
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return unknownVersion
	}
	return info.Main.Version
}
