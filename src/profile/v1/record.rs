//! The form of a struct from a table with one line a field.
//!
//! The struct is taken apart and put together by naming every field, so a
//! field that is new to the struct does not compile until the table says how
//! it stands in the file.

/// The form of a struct: `KIND FIELD: FORM`, with documentation that becomes the schema's.
///
/// - `must`: required.
/// - `may`: an `Option`, absent when not written.
/// - `some`: absent is the type's default, and the default is not written.
/// - `flat`: the field's own fields stand in the same map.
/// - `apart`: the field is no key of the map; whoever reads and writes the whole document fills it.
macro_rules! record {
    (
        $(#[doc = $about:literal])*
        $type:ident $(or $short:ty)? {
            $( $(#[doc = $doc:literal])* $kind:ident $field:ident: $form:ty, )*
        }
    ) => {
        impl $crate::profile::v1::form::Fields for $type {
            type Record = Self;

            fn keys(keys: &mut Vec<&'static str>) {
                $( $crate::profile::v1::record::record!(@keys $kind $field, $form, keys); )*
            }

            fn lengthen_fields(node: &mut $crate::profile::node::Node) {
                $( $crate::profile::v1::record::record!(@lengthen $kind $field, $form, node); )*
            }

            fn read_fields(
                node: &$crate::profile::node::Node,
                at: &$crate::path::Path,
                to: &mut $crate::profile::v1::form::Reader<'_>,
            ) -> Option<Self> {
                $( let $field = $crate::profile::v1::record::record!(@read $kind $field, $form, node, at, to); )*
                Some(Self { $( $field: $field?, )* })
            }

            fn write_fields(record: &Self, object: &mut $crate::profile::v1::form::Object) {
                let Self { $( $field, )* } = record;
                $( $crate::profile::v1::record::record!(@write $kind $field, $form, object); )*
            }

            fn schema_fields(
                shape: &mut $crate::profile::v1::form::Shape,
                generator: &mut schemars::SchemaGenerator,
            ) {
                $( $crate::profile::v1::record::record!(
                    @schema $kind $field, $form, shape, generator, concat!("", $($doc, "\n",)*)
                ); )*
            }
        }

        impl $crate::profile::v1::form::Defined for $type {
            const NAME: &'static str = stringify!($type);

            fn define(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let mut shape = $crate::profile::v1::form::Shape::default();
                <Self as $crate::profile::v1::form::Fields>::schema_fields(&mut shape, generator);
                let long = shape.finish(concat!("", $($about, "\n",)*));
                $( let long = $crate::profile::v1::form::either(<$short>::schema(generator), long); )?
                long
            }
        }

        impl $crate::profile::v1::form::Form for $type {
            type Value = Self;

            fn lengthen(node: &mut $crate::profile::node::Node) {
                $( <$short>::lengthen(node); )?
                if node.as_map().is_some() {
                    <Self as $crate::profile::v1::form::Fields>::lengthen_fields(node);
                }
            }

            fn read(
                node: &$crate::profile::node::Node,
                at: &$crate::path::Path,
                to: &mut $crate::profile::v1::form::Reader<'_>,
            ) -> Option<Self> {
                $crate::profile::v1::form::read_record::<Self>(node, at, to)
            }

            fn write(value: &Self) -> serde_json::Value {
                $crate::profile::v1::form::write_record::<Self>(value)
            }

            fn schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                generator.subschema_for::<$crate::profile::v1::form::Named<Self>>()
            }
        }
    };

    (@keys flat $field:ident, $form:ty, $keys:ident) => { <$form as $crate::profile::v1::form::Fields>::keys($keys) };
    (@keys apart $field:ident, $form:ty, $keys:ident) => {};
    (@keys $kind:ident $field:ident, $form:ty, $keys:ident) => { $keys.push(stringify!($field)) };

    (@lengthen flat $field:ident, $form:ty, $node:ident) => {
        <$form as $crate::profile::v1::form::Fields>::lengthen_fields($node)
    };
    (@lengthen apart $field:ident, $form:ty, $node:ident) => {};
    (@lengthen $kind:ident $field:ident, $form:ty, $node:ident) => {
        if let Some(node) = $node.get_mut(stringify!($field)) {
            $crate::profile::v1::hole::lengthen::<$form>(node);
        }
    };

    (@read flat $field:ident, $form:ty, $node:ident, $at:ident, $to:ident) => {
        <$form as $crate::profile::v1::form::Fields>::read_fields($node, $at, $to)
    };
    (@read apart $field:ident, $form:ty, $node:ident, $at:ident, $to:ident) => { Some(<$form>::default()) };
    (@read must $field:ident, $form:ty, $node:ident, $at:ident, $to:ident) => {
        $crate::profile::v1::form::must::<$form>($node, stringify!($field), $at, $to)
    };
    (@read may $field:ident, $form:ty, $node:ident, $at:ident, $to:ident) => {
        Some($crate::profile::v1::form::may::<$form>($node, stringify!($field), $at, $to))
    };
    (@read some $field:ident, $form:ty, $node:ident, $at:ident, $to:ident) => {
        Some($crate::profile::v1::form::may::<$form>($node, stringify!($field), $at, $to).unwrap_or_default())
    };

    (@write flat $field:ident, $form:ty, $object:ident) => {
        <$form as $crate::profile::v1::form::Fields>::write_fields($field, $object)
    };
    (@write apart $field:ident, $form:ty, $object:ident) => { let _ = $field; };
    (@write must $field:ident, $form:ty, $object:ident) => {
        { $object.insert(stringify!($field).to_owned(), <$form as $crate::profile::v1::form::Form>::write($field)); }
    };
    (@write may $field:ident, $form:ty, $object:ident) => {
        if let Some(value) = $field {
            $object.insert(stringify!($field).to_owned(), <$form as $crate::profile::v1::form::Form>::write(value));
        }
    };
    (@write some $field:ident, $form:ty, $object:ident) => {
        if *$field != <$form as $crate::profile::v1::form::Form>::Value::default() {
            $object.insert(stringify!($field).to_owned(), <$form as $crate::profile::v1::form::Form>::write($field));
        }
    };

    (@schema flat $field:ident, $form:ty, $shape:ident, $generator:ident, $doc:expr) => {
        <$form as $crate::profile::v1::form::Fields>::schema_fields($shape, $generator)
    };
    (@schema apart $field:ident, $form:ty, $shape:ident, $generator:ident, $doc:expr) => {};
    (@schema must $field:ident, $form:ty, $shape:ident, $generator:ident, $doc:expr) => {
        {
            $shape.required.push(stringify!($field).into());
            let schema = $crate::profile::v1::hole::value_schema::<$form>($generator);
            $shape.add(stringify!($field), schema, $doc);
        }
    };
    (@schema $kind:ident $field:ident, $form:ty, $shape:ident, $generator:ident, $doc:expr) => {
        {
            let schema = $crate::profile::v1::hole::optional_schema::<$form>($generator);
            $shape.add(stringify!($field), schema, $doc);
        }
    };
}
pub(crate) use record;
