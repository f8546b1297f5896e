# SPDX-License-Identifier: Apache-2.0
"""Structural schemas for CustomResourceDefinitions, made from the OpenAPI v3 documents of a real kube-apiserver.

A plugin's crd.yaml says `x-asb-openapi: io.k8s.api.core.v1.PodSpec` where it embeds a type of Kubernetes; resolve()
puts the type's schema there. Descriptions are left out (with them a PodSpec alone is more than an annotation of
`kubectl apply` may hold), enums too (the API server's own word on a pod is the one that counts), and defaults but those
of list map keys, without which two entries could not be told apart.
"""

MARK = "x-asb-openapi"
KEPT = ("type", "format", "required", "x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-map-type")
EITHER = {"anyOf": [{"type": "integer"}, {"type": "string"}], "x-kubernetes-int-or-string": True}
STRING_MAP = {"type": "object", "additionalProperties": {"type": "string"}}
# Types whose schema in the document does not say what the server accepts.
SPECIAL = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": EITHER,
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": EITHER,
    # Of embedded metadata only labels and annotations mean anything (a generic ephemeral volume's claim).
    "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta": {
        "type": "object", "properties": {"annotations": STRING_MAP, "labels": STRING_MAP}},
}


class SchemaError(Exception):
    pass


class Schemas:
    """The named schemas of one or more OpenAPI v3 documents."""

    def __init__(self, documents):
        self.named = {}
        for document in documents:
            self.named.update(document["components"]["schemas"])

    def resolve(self, tree):
        """The tree with each marked place filled in; siblings of a mark (a description) win."""
        if isinstance(tree, list):
            return [self.resolve(item) for item in tree]
        if not isinstance(tree, dict):
            return tree
        own = {key: self.resolve(value) for key, value in tree.items() if key != MARK}
        if MARK not in tree:
            return own
        made = self.structural({"$ref": "#/components/schemas/" + tree[MARK]}, ())
        return {**own, **{key: value for key, value in made.items() if key not in own}}

    def structural(self, schema, above):
        """A structural schema equal to this one, which may refer to others; above are the types it stands in."""
        schema, above = self._follow(schema, above)
        if schema.get("x-kubernetes-int-or-string"):
            return dict(schema)
        made = {key: schema[key] for key in KEPT if key in schema}
        if "items" in schema:
            made["items"] = self.structural(schema["items"], above)
            self._keys_exist(schema, made["items"])
        if "properties" in schema:
            made["properties"] = {name: self.structural(value, above)
                                  for name, value in sorted(schema["properties"].items())}
        if isinstance(schema.get("additionalProperties"), dict):
            made["additionalProperties"] = self.structural(schema["additionalProperties"], above)
        if "type" not in made:
            raise SchemaError(f"no type: {above}: {schema}")
        return made

    def _follow(self, schema, above):
        """Through references, also where one stands alone in an allOf."""
        while True:
            if len(schema.get("allOf", ())) == 1:
                schema = schema["allOf"][0]
            if "$ref" not in schema:
                return schema, above
            name = schema["$ref"].rsplit("/", 1)[1]
            if name in above:
                raise SchemaError(f"'{name}' contains itself: {above}")
            if name not in SPECIAL and name not in self.named:
                raise SchemaError(f"no schema '{name}'")
            schema, above = SPECIAL.get(name) or self.named[name], above + (name,)

    def _keys_exist(self, schema, items):
        """A list map key must be required or have a default: takes the default from the document."""
        source = self._follow(schema["items"], ())[0]
        for key in schema.get("x-kubernetes-list-map-keys", ()):
            if key in items.get("required", ()):
                continue
            default = source["properties"][key].get("default")
            if default is None:
                raise SchemaError(f"list map key '{key}' is neither required nor has a default: {source}")
            items["properties"][key]["default"] = default
