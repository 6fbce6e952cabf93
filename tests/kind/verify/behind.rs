//! What others do to the objects of a mirror.

use kube::{
    Api,
    api::{Patch, PatchParams, PostParams},
};
use serde_json::Value;

use super::{super::stage, mirror::Mirror};

/// What others do behind the mirror's back.
pub struct Behind {
    client: kube::Client,
    namespace: String,
}

impl Behind {
    pub async fn new(mirror: &Mirror) -> Self {
        Self { client: stage::client().await, namespace: mirror.plan.namespace.clone() }
    }

    pub fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// As `kubectl patch` does it.
    pub async fn patch<K>(&self, name: &str, patch: Value)
    where
        K: kube::Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
            + Clone
            + std::fmt::Debug
            + serde::de::DeserializeOwned,
    {
        let patch = Patch::Strategic(patch);
        self.api::<K>().patch(name, &PatchParams::default(), &patch).await.unwrap();
    }

    pub async fn create<K>(&self, object: Value)
    where
        K: kube::Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
            + Clone
            + std::fmt::Debug
            + serde::Serialize
            + serde::de::DeserializeOwned,
    {
        let object: K = serde_json::from_value(object).unwrap();
        self.api::<K>().create(&PostParams::default(), &object).await.unwrap();
    }
}
