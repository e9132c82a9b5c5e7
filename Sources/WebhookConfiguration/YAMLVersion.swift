internal import CYAML

/// Name and version of the YAML parser in use.
package var yamlVersion: String { "libyaml \(String(cString: yaml_get_version_string()))" }
