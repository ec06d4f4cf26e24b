// Generated from the OpenAPI document of the server by `npm run generate`: not to be edited. What the pages call these
// types is in types/, what it has in objects that the document leaves open in scripts/api-shapes.mjs.
import type * as known from './types'

export interface paths {
    "/api/v1/alerts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Alerts, newest first; without more said, those that hold now. None for those who don't see everything. */
        get: operations["get_alerts"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apply": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Checks a document, shows the plan, and unless it is a dry run applies it, all or nothing. */
        post: operations["post_apply"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apps": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** All apps. */
        get: operations["get_apps"];
        put?: never;
        /** Makes an app. */
        post: operations["post_apps"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apps/{app}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One app. */
        get: operations["get_apps_app"];
        put?: never;
        post?: never;
        /** Takes an app away, with its release configs and values. What it left on hosts stays, and so does its history. */
        delete: operations["delete_apps_app"];
        options?: never;
        head?: never;
        /** Changes an app's name or repository. */
        patch: operations["patch_apps_app"];
        trace?: never;
    };
    "/api/v1/apps/{app}/builds": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The newest builds of an app. */
        get: operations["get_apps_app_builds"];
        put?: never;
        /** Makes a build of an archive: tar, tar.gz or zip. The same files again are the same build. */
        post: operations["post_apps_app_builds"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apps/{app}/commits": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Commits of a branch or tag, newest first, after asking the remote. */
        get: operations["get_apps_app_commits"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apps/{app}/configs/{environment}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** How an app is released to an environment, as a form. */
        get: operations["get_apps_app_configs_environment"];
        /** Saves a form as the next revision; one that changes nothing saves none. */
        put: operations["put_apps_app_configs_environment"];
        post?: never;
        /** Takes a release config away. Its revisions stay, and what is on hosts too. */
        delete: operations["delete_apps_app_configs_environment"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apps/{app}/configs/{environment}/check": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Reads a form, asks git, and looks at the hosts that it selects. Nothing is saved or changed. */
        post: operations["post_apps_app_configs_environment_check"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apps/{app}/configs/{environment}/clone": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Makes a copy for another environment, another app, or both. Answers with the copy. */
        post: operations["post_apps_app_configs_environment_clone"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apps/{app}/configs/{environment}/dry-run": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Says what a release would do. Hosts are looked at, and left as they are. */
        post: operations["post_apps_app_configs_environment_dry_run"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apps/{app}/configs/{environment}/revisions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The saves of a release config, newest first. */
        get: operations["get_apps_app_configs_environment_revisions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apps/{app}/configs/{environment}/revisions/diff": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What differs between two revisions. */
        get: operations["get_apps_app_configs_environment_revisions_diff"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apps/{app}/configs/{environment}/revisions/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What a revision said. */
        get: operations["get_apps_app_configs_environment_revisions_id"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apps/{app}/configs/{environment}/revisions/{id}/restore": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Puts what an earlier revision said into force again, as the next one. */
        post: operations["post_apps_app_configs_environment_revisions_id_restore"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apps/{app}/configs/{environment}/toml": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** How an app is released to an environment, as the part of a `davit.toml` that says so: applied, it changes nothing. */
        get: operations["get_apps_app_configs_environment_toml"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apps/{app}/environments/{environment}/deploy": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Asks for a release; it goes out at once when no review is needed and the caller may release. */
        post: operations["post_apps_app_environments_environment_deploy"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apps/{app}/environments/{environment}/diff": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What a release of a commit would change now. */
        get: operations["get_apps_app_environments_environment_diff"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apps/{app}/environments/{environment}/diff/file": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What a release of a commit would change in one file now. */
        get: operations["get_apps_app_environments_environment_diff_file"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apps/{app}/environments/{environment}/live": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What each host said when it was last asked. */
        get: operations["get_apps_app_environments_environment_live"];
        put?: never;
        /** Asks every host now what it serves, and says what is known then. */
        post: operations["post_apps_app_environments_environment_live"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apps/{app}/environments/{environment}/releases": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The good releases that are still on hosts, newest first. */
        get: operations["get_apps_app_environments_environment_releases"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apps/{app}/environments/{environment}/rollback": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Asks to go back to a kept release. */
        post: operations["post_apps_app_environments_environment_rollback"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apps/{app}/refs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Branches and tags, newest first, after asking the remote. */
        get: operations["get_apps_app_refs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apps/{app}/uploads": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The newest uploaded files of an app. */
        get: operations["get_apps_app_uploads"];
        put?: never;
        /** Keeps a file for the transfers of a custom release config: requests that come take the newest of its name. */
        post: operations["post_apps_app_uploads"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/artifacts/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** An artifact, as a tar.gz. */
        get: operations["get_artifacts_id"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/providers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** How one can sign in. Anybody may know. */
        get: operations["get_auth_providers"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/batches/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A batch with its requests. */
        get: operations["get_batches_id"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/batches/{id}/approve": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Approves each request of a batch that the caller may approve. */
        post: operations["post_batches_id_approve"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/batches/{id}/reject": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Rejects each request of a batch that the caller may reject, with a reason. */
        post: operations["post_batches_id_reject"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/batches/{id}/release": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Lets each request of a batch go out that the caller may let out. */
        post: operations["post_batches_id_release"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/batches/{id}/withdraw": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Takes each request of a batch back that the caller may take back. */
        post: operations["post_batches_id_withdraw"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/builds/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One build. */
        get: operations["get_builds_id"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/caches": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The caches of a repository, the one used last first. */
        get: operations["get_caches"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/caches/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Removes a cache: the next run makes it anew. */
        delete: operations["delete_caches_id"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/changes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Changes, newest first. */
        get: operations["get_changes"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/changes/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One change: its checks and runs, what holds it up, and its place in the queue. */
        get: operations["get_changes_id"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/changes/{id}/merge": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Asks davit to merge a change as soon as nothing holds it up: with the head that somebody looked at. */
        post: operations["post_changes_id_merge"];
        /** Takes back that davit was asked to merge a change. */
        delete: operations["delete_changes_id_merge"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/changes/{id}/refresh": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Has davit ask the forge about a change again. */
        post: operations["post_changes_id_refresh"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/channels": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** All channels, in the order of davit.toml. */
        get: operations["get_channels"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/channels/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A channel as a form: what its secrets are called, never what they are. */
        get: operations["get_channels_id"];
        /** Makes a channel, or replaces what is said of it. Secrets that come along are stored with it. */
        put: operations["put_channels_id"];
        post?: never;
        /** Takes a channel away that no release config names any more. */
        delete: operations["delete_channels_id"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/channels/{id}/preview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What a channel would be sent of an event. */
        get: operations["get_channels_id_preview"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/channels/{id}/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Sends a try to a channel at once, and says what came of it. */
        post: operations["post_channels_id_test"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/deliveries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Deliveries, newest first. */
        get: operations["get_deliveries"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/deliveries/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One delivery. */
        get: operations["get_deliveries_id"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/deliveries/{id}/replay": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Runs a delivery again, as a new attempt. */
        post: operations["post_deliveries_id_replay"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/delivery": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The four delivery figures (DORA) of what the caller sees. */
        get: operations["get_delivery"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/deployments": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Deployments, newest first. */
        get: operations["get_deployments"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/deployments/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One deployment. */
        get: operations["get_deployments_id"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/deployments/{id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Ends a deployment that has not switched yet. */
        post: operations["post_deployments_id_cancel"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/deployments/{id}/compare": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What became of each step on each host, beside an earlier attempt. */
        get: operations["get_deployments_id_compare"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/deployments/{id}/compare/lines": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Where the log of a step on a host parts from that of an earlier attempt. */
        get: operations["get_deployments_id_compare_lines"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/deployments/{id}/continue": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Lets the next batch of a paused deployment go. */
        post: operations["post_deployments_id_continue"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/deployments/{id}/hosts/{host}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Tries a host again that failed and is held. */
        post: operations["post_deployments_id_hosts_host_retry"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/deployments/{id}/hosts/{host}/skip": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Leaves a host that failed and is held as it is; with the last one of them, the deployment goes on. */
        post: operations["post_deployments_id_hosts_host_skip"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/deployments/{id}/log.txt": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The whole log as text. */
        get: operations["get_deployments_id_log_txt"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/deployments/{id}/logs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Stored lines of a deployment. */
        get: operations["get_deployments_id_logs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/deployments/{id}/logs/search": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Search in the log of a deployment. */
        get: operations["get_deployments_id_logs_search"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/deployments/{id}/logs/stream": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The log and state of a deployment, live. Ends when the deployment has ended and its last line is out. */
        get: operations["get_deployments_id_logs_stream"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/deployments/{id}/logs/window": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * A window into the log of a deployment, or of one host or step of it.
         * @description A line is found by its place without reading those before it, so that a viewer can jump about in a log of a million
         *     lines and never holds more than it shows.
         */
        get: operations["get_deployments_id_logs_window"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/deployments/{id}/override": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Lets a deployment pass the lock or freeze window that it waits for. Needs a reason, which goes to the feed. */
        post: operations["post_deployments_id_override"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/deployments/{id}/revert": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Takes every host of a paused deployment that switched back to what it served before. */
        post: operations["post_deployments_id_revert"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/doctor": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Examines the server, asks every forge about every repository that davit uses there, and tries out where jobs run. */
        get: operations["get_doctor"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/environments": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** All environments, in their order. */
        get: operations["get_environments"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/environments/{environment}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** An environment as a form. */
        get: operations["get_environments_environment"];
        /** Makes an environment, or replaces what is said of it. */
        put: operations["put_environments_environment"];
        post?: never;
        /** Takes an environment away that nothing refers to any more. */
        delete: operations["delete_environments_environment"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/environments/{environment}/gates": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether a new release to an environment would start at once, and if not, why. */
        get: operations["get_environments_environment_gates"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Wake-ups for the UI: what changed, so that it fetches that again. `lost`: anything may have. */
        get: operations["get_events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The configuration in force as `davit.toml`. */
        get: operations["get_export"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/feed": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What happened, newest first. */
        get: operations["get_feed"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/feed/actions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The words that stand for what can happen, as far as it has. */
        get: operations["get_feed_actions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/feed/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What happened, as a file. That somebody took it away is in the feed too. */
        get: operations["get_feed_export"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/forges": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** All forges. */
        get: operations["get_forges"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/forges/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One forge. */
        get: operations["get_forges_id"];
        /** Makes a forge, or replaces what is said of it. Secrets that come along are stored with it. */
        put: operations["put_forges_id"];
        post?: never;
        /** Takes a forge away that nothing refers to any more. */
        delete: operations["delete_forges_id"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/forges/{id}/check": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Asks the forge what davit may do with a repository, and whether its hook sends here. Changes nothing. */
        post: operations["post_forges_id_check"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/forges/{id}/deploy-key": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** The forge's deploy key, made when there is none, and added to a repository when one is named. */
        post: operations["post_forges_id_deploy_key"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/forges/{id}/form": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A forge as a form: what its secrets are called, never what they are. */
        get: operations["get_forges_id_form"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/forges/{id}/hook": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Sets the repository's hook to send here, signed with the forge's webhook secret; makes that secret when it is one
         *     that davit stores and none is stored.
         */
        post: operations["post_forges_id_hook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/grants": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** All grants, the oldest first. */
        get: operations["get_grants"];
        put?: never;
        /** Grants a role somewhere, to an account or to a group. */
        post: operations["post_grants"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/grants/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Takes a grant away. */
        delete: operations["delete_grants_id"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/groups": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** All groups by name. */
        get: operations["get_groups"];
        put?: never;
        /** Makes a group. */
        post: operations["post_groups"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/groups/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A group with its members and what they are granted. */
        get: operations["get_groups_name"];
        put?: never;
        post?: never;
        /** Takes a group away, with what it is granted. */
        delete: operations["delete_groups_name"];
        options?: never;
        head?: never;
        /** Renames or describes a group. */
        patch: operations["patch_groups_name"];
        trace?: never;
    };
    "/api/v1/groups/{name}/members/{user}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Puts somebody into a group. */
        put: operations["put_groups_name_members_user"];
        post?: never;
        /** Takes somebody out of a group. What an identity provider says stays as it is. */
        delete: operations["delete_groups_name_members_user"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/hosts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** All hosts. */
        get: operations["get_hosts"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/hosts/accept-keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Pins the keys that hosts show, when they have exactly these fingerprints: all of them or none. */
        post: operations["post_hosts_accept_keys"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/hosts/import-known-hosts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Pins the keys that a `known_hosts` has for hosts without one. A pinned key is never replaced. */
        post: operations["post_hosts_import_known_hosts"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/hosts/public-key": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** davit's own public key, for hosts that have no key of their own configured. */
        get: operations["get_hosts_public_key"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/hosts/scan-keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Looks at the keys that hosts show now. Pins nothing. */
        post: operations["post_hosts_scan_keys"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/hosts/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A host as a form. */
        get: operations["get_hosts_name"];
        /** Makes a host, or replaces what is said of it. */
        put: operations["put_hosts_name"];
        post?: never;
        /** Takes a host away that nothing refers to any more. What is on it stays. */
        delete: operations["delete_hosts_name"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/hosts/{name}/accept-key": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Pins the key that a host shows, when it has exactly this fingerprint. */
        post: operations["post_hosts_name_accept_key"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/hosts/{name}/install-key": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Logs in to a host with a password, leaves davit's public key there, and verifies the host. */
        post: operations["post_hosts_name_install_key"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/hosts/{name}/terminals": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Asks for a shell on a host. */
        post: operations["post_hosts_name_terminals"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/hosts/{name}/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Logs in to a host and says what was found. */
        post: operations["post_hosts_name_verify"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}/log.txt": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The whole log of an attempt at a job, as text. */
        get: operations["get_jobs_id_log_txt"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}/log/stream": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The log and state of an attempt at a job, live. Ends when the job has ended and its last line is out. */
        get: operations["get_jobs_id_log_stream"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}/logs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Stored lines of an attempt at a job. */
        get: operations["get_jobs_id_logs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}/logs/outline": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Where the steps and groups of a job's log begin and end.
         * @description A viewer folds by it, and reads only the lines that it shows.
         */
        get: operations["get_jobs_id_logs_outline"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}/logs/search": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Search in the log of an attempt at a job. */
        get: operations["get_jobs_id_logs_search"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/locks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The locks that hold now, oldest first. */
        get: operations["get_locks"];
        put?: never;
        /** Locks an environment, or one app in it: what is to be released there waits. */
        post: operations["post_locks"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/locks/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Ends a lock; what waited for it starts. */
        delete: operations["delete_locks_id"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/outbox": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Calls to forges and channels, newest first. */
        get: operations["get_outbox"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/outbox/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One call. */
        get: operations["get_outbox_id"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/outbox/{id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Has a call made now: one that waits for its next try, or one that was given up. */
        post: operations["post_outbox_id_retry"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/overview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Everything the first page shows. */
        get: operations["get_overview"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/repositories": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The repositories that davit tests, in the order of the configuration. */
        get: operations["get_repositories"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/repositories/{forge}/{repository}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What is said of a repository that davit tests, as a form: what its secrets are called, never what they are. */
        get: operations["get_repositories_forge_repository"];
        /**
         * Has davit test a repository from its next push on, or replaces what is said of it. Secrets that come along are stored
         *     with it.
         */
        put: operations["put_repositories_forge_repository"];
        post?: never;
        /** Has davit test and merge a repository no more. Its runs stay as long as they are kept. */
        delete: operations["delete_repositories_forge_repository"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/requests": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Requests, newest first. */
        get: operations["get_requests"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/requests/batch": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Asks for a release of several apps: all of them, or none. */
        post: operations["post_requests_batch"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/requests/counts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** How many requests there are in each group and each state. */
        get: operations["get_requests_counts"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/requests/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One request. */
        get: operations["get_requests_id"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /** Changes what one's own request asks for; administrators may change anybody's. What was approved of it is void. */
        patch: operations["patch_requests_id"];
        trace?: never;
    };
    "/api/v1/requests/{id}/approve": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Approves. */
        post: operations["post_requests_id_approve"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/requests/{id}/clone": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Asks for the same once more, there or elsewhere, with the release config of now. Nothing goes out by this. */
        post: operations["post_requests_id_clone"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/requests/{id}/diff": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What a request would change, or has changed. */
        get: operations["get_requests_id_diff"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/requests/{id}/diff/file": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What a request would change in one file. */
        get: operations["get_requests_id_diff_file"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/requests/{id}/reject": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Rejects, with a reason. */
        post: operations["post_requests_id_reject"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/requests/{id}/release": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Lets an approved request go out; with a reason, whoever may override gates lets it pass locks and windows. */
        post: operations["post_requests_id_release"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/requests/{id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Lets a failed or cancelled request go out again. */
        post: operations["post_requests_id_retry"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/requests/{id}/withdraw": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Takes one's own request back; administrators may take anybody's. */
        post: operations["post_requests_id_withdraw"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/runs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Runs, newest first. */
        get: operations["get_runs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/runs/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One run, with its jobs and their steps. */
        get: operations["get_runs_id"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/runs/{id}/approve": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Lets the workflows of a fork's change run, with secrets, on the commit that somebody looked at. */
        post: operations["post_runs_id_approve"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/runs/{id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Ends a run. Jobs that run whatever happens still do. */
        post: operations["post_runs_id_cancel"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/runs/{id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Runs jobs again; earlier attempts and their logs stay. */
        post: operations["post_runs_id_retry"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/runs/{id}/search": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The lines of a run's log that hold a text: the first 200 of them. */
        get: operations["get_runs_id_search"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/search": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Apps, environments, hosts, forges, requests, deployments, runs, changes, and for administrators people and groups:
         *     whatever of it the caller sees. The best first, at most six of a kind; nothing is asked for: nothing is found.
         */
        get: operations["get_search"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/secrets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The names of all secrets. */
        get: operations["get_secrets"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/secrets/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Stores a secret, in the place of what was there. */
        put: operations["put_secrets_name"];
        post?: never;
        /** Forgets a secret that the configuration no longer refers to. */
        delete: operations["delete_secrets_name"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/session": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Who is logged in. */
        get: operations["get_session"];
        put?: never;
        /**
         * Logs in.
         * @description An account with a second factor is asked for a code: code `second_factor_required`, then the same call with `code`.
         */
        post: operations["post_session"];
        /** Logs out. */
        delete: operations["delete_session"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/session/identities": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Who one is elsewhere. */
        get: operations["get_session_identities"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/session/identities/link-code": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Makes a code: who sends `link CODE` from there within ten minutes is this account there. */
        post: operations["post_session_identities_link_code"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/session/identities/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Forgets who one is elsewhere. Who one is at a forge stays an administrator's word: requests that one's pushes made
         *     would look like somebody else's.
         */
        delete: operations["delete_session_identities_id"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/session/list": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Where one is signed in. */
        get: operations["get_session_list"];
        put?: never;
        post?: never;
        /** Signs out everywhere else. */
        delete: operations["delete_session_list"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/session/list/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Signs out in one place. */
        delete: operations["delete_session_list_id"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/session/password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Changes one's own password.
         * @description Every other session ends; the answer sets the cookie of a new one.
         */
        post: operations["post_session_password"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/session/profile": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /** Changes one's own profile. */
        patch: operations["patch_session_profile"];
        trace?: never;
    };
    "/api/v1/session/second-factor": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether one's account has a second factor. */
        get: operations["get_session_second_factor"];
        put?: never;
        /**
         * Starts a second factor; it works once it is confirmed with a code.
         * @description A session alone is not enough: who stole one would shut its owner out.
         */
        post: operations["post_session_second_factor"];
        /** Takes one's second factor away. */
        delete: operations["delete_session_second_factor"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/session/second-factor/confirm": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Confirms the second factor with a code; from now on logging in needs one. */
        post: operations["post_session_second_factor_confirm"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/session/second-factor/recovery-codes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Makes new recovery codes; the old ones are worth nothing any more. */
        post: operations["post_session_second_factor_recovery_codes"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/setup": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether davit has still to be set up. */
        get: operations["get_setup"];
        put?: never;
        /** Makes the first administrator and logs them in. */
        post: operations["post_setup"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/terminals": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Who has or had a shell, newest first: one's own, and those on hosts where one may open some. */
        get: operations["get_terminals"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/terminals/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A shell that somebody has or had. */
        get: operations["get_terminals_id"];
        put?: never;
        post?: never;
        /** Ends a shell: one's own, or anybody's for an administrator. */
        delete: operations["delete_terminals_id"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/terminals/{id}/recording": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What a shell showed, as an asciinema file (version 2); so far, when it is open. One's own, or anybody's for an
         *     administrator: what people do on hosts may hold secrets.
         */
        get: operations["get_terminals_id_recording"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/terminals/{id}/socket": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The bytes of a terminal, for the browser that asked for it. Binary messages are what is typed and shown; text messages
         *     are JSON: `{type:"resize",cols,rows}` from the browser, `ready`, `idle` with `seconds`, `error` with `message` and
         *     `exit` with `code` and `reason` to it.
         */
        get: operations["get_terminals_id_socket"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One's own tokens, newest first. */
        get: operations["get_tokens"];
        put?: never;
        /** Makes an API token for one's own account. A token that is limited itself makes none. */
        post: operations["post_tokens"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tokens/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Takes a token away: one's own, and for administrators everybody's. */
        delete: operations["delete_tokens_id"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** All accounts by name. */
        get: operations["get_users"];
        put?: never;
        /** Makes an account. */
        post: operations["post_users"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** An account with its grants, identities and tokens. */
        get: operations["get_users_name"];
        put?: never;
        post?: never;
        /** Deletes an account. The history keeps its name. */
        delete: operations["delete_users_name"];
        options?: never;
        head?: never;
        /** Changes an account. A new role, and being disabled, log it out everywhere. */
        patch: operations["patch_users_name"];
        trace?: never;
    };
    "/api/v1/users/{name}/identities": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Says who an account is elsewhere. */
        put: operations["put_users_name_identities"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{name}/identities/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Forgets who an account is elsewhere. */
        delete: operations["delete_users_name_identities_id"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{name}/password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Sets an account's password, which logs it out everywhere. */
        post: operations["post_users_name_password"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{name}/second-factor": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Takes the second factor off an account whose owner has lost it. */
        delete: operations["delete_users_name_second_factor"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{name}/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Where somebody is signed in. */
        get: operations["get_users_name_sessions"];
        put?: never;
        post?: never;
        /** Signs somebody out everywhere. */
        delete: operations["delete_users_name_sessions"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{name}/tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** An account's tokens, newest first. */
        get: operations["get_users_name_tokens"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{name}/unlock": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Lets somebody try again who typed too many wrong passwords. */
        post: operations["post_users_name_unlock"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/values": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The values of a scope; with `inherited`, everything that holds there. */
        get: operations["get_values"];
        /** Sets and removes values of a scope. Answers with what the scope has then. */
        put: operations["put_values"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/values/diff": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What differs between two revisions of a scope. */
        get: operations["get_values_diff"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/values/history": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The saves of a scope, newest first. */
        get: operations["get_values_history"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/values/restore": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Brings an earlier revision back, as the next one; secrets stay as they are. */
        post: operations["post_values_restore"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/workflows": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The workflow files of a repository at a branch, tag or commit. Asks its git. */
        get: operations["get_workflows"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/workflows/start": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Starts a workflow that has `on.workflow_dispatch`. */
        post: operations["post_workflows_start"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description The fingerprint that a person compared. */
        AcceptBody: {
            fingerprint: string;
        };
        /** @description Keys that a person has compared. */
        AcceptKeysBody: {
            items: components["schemas"]["ComparedKey"][];
        };
        /**
         * @description Where an action runs: a script on the server or on every host, or what is brought to every host.
         * @enum {string}
         */
        ActionPlace: "server" | "host" | "transfer";
        /** @description An action of mode custom. */
        ActionView: {
            /** @description What is transferred: a path in the build, or `upload:` and the name of an uploaded file. */
            from: string | null;
            name: string;
            /** @description server: a script, once; host: a script on every host; transfer: a file or directory to every host. */
            on: components["schemas"]["ActionPlace"];
            /** @description The script. */
            run: string | null;
            /** @description Where to. */
            to: string | null;
        };
        /** @description Something that a person has to look at. */
        AlertView: {
            /** @description What is wrong. */
            detail: string;
            ended_at: string | null;
            /** Format: int64 */
            id: number;
            /** @description What sort of thing, a stable word: `forge_call`. */
            kind: string;
            since: string;
            /** @description What it is about. */
            subject: string;
        };
        /** @description What the caller may do to it now. */
        Allowed: {
            approve: boolean;
            clone: boolean;
            edit: boolean;
            reject: boolean;
            release: boolean;
            retry: boolean;
            rollback: boolean;
            schedule: boolean;
            withdraw: boolean;
        };
        /**
         * @description How much an annotation matters.
         * @enum {string}
         */
        AnnotationLevel: "notice" | "warning" | "error";
        /** @description What a job or a workflow file has to say about a place in the commit. */
        AnnotationView: {
            /** Format: int32 */
            column: number | null;
            /** Format: int32 */
            end_line: number | null;
            file: string | null;
            /**
             * Format: int64
             * @description None: the workflow file itself.
             */
            job_id: number | null;
            level: components["schemas"]["AnnotationLevel"];
            /** Format: int32 */
            line: number | null;
            message: string;
            title: string | null;
        };
        /** @description What to change of an app. What is absent stays. */
        AppChange: {
            name?: string | null;
            repository?: known.NewRepository | null;
        };
        /** @description Where it is released to. */
        AppEnvironment: {
            environment: string;
            live: components["schemas"]["LiveView"] | null;
        };
        /** @description An app with everything. */
        AppFull: {
            configs: components["schemas"]["ConfigView"][];
            key: string;
            name: string;
            recent: components["schemas"]["DeploymentSummary"][];
            repository: components["schemas"]["RepositoryView"];
        };
        /** @description An app in the list. */
        AppItem: {
            environments: components["schemas"]["AppEnvironment"][];
            key: string;
            name: string;
            repository: components["schemas"]["RepositoryView"];
        };
        /** @description A row. */
        AppRow: {
            cells: components["schemas"]["OverviewCell"][];
            key: string;
            name: string;
        };
        /** @description What changes, or has changed. */
        Applied: {
            applied: boolean;
            plan: known.PlanItem[];
        };
        /** @description A `davit.toml` to check or apply. */
        ApplyBody: {
            document: string;
            /** @description Stop after the plan. */
            dry_run?: boolean;
            /** @description Delete what the document does not name. */
            prune?: boolean;
            /** @description Secrets that the document refers to, by `env:NAME` or `file:PATH`. */
            values?: {
                [key: string]: string;
            };
        };
        /** @description One approval. */
        ApprovalView: {
            at: string;
            user: string;
        };
        /** @description What a reviewer says along with yes. */
        ApproveBody: {
            reason?: string | null;
            /**
             * Format: int64
             * @description The version that was seen: another one is not approved.
             */
            version?: number | null;
        };
        /** @description What is approved. */
        ApproveRunBody: {
            /** @description The full SHA of the commit that was looked at. */
            head_sha: string;
        };
        /** @description A file that a run keeps. */
        ArtifactView: {
            created_at: string;
            expires_at: string;
            /** Format: int64 */
            id: number;
            name: string;
            /**
             * Format: int64
             * @description Bytes.
             */
            size: number;
        };
        /** @description A wish to have a change merged. */
        AskedView: {
            at: string | null;
            by: string;
            how: components["schemas"]["MergeWay"];
        };
        /** @description What is compared with. */
        BaseView: {
            commit: string;
            /** Format: int64 */
            deployment: number;
            release: string;
        };
        /** @description What became of one. */
        BatchAnswer: {
            ok: boolean;
            /** @description As it is now. */
            request: components["schemas"]["RequestView"];
            /** @description Why not. */
            sentence: string | null;
        };
        /** @description What became of each. */
        BatchAnswers: {
            items: components["schemas"]["BatchAnswer"][];
        };
        /** @description What to release together. */
        BatchBody: {
            description?: string;
            environment: string;
            items: components["schemas"]["BatchItemBody"][];
            /** @description When they go out by themselves, if they may then. Needs the right to release. */
            scheduled_at?: string | null;
            /** @description Without it: the subject of each commit. */
            title?: string | null;
        };
        /** @description One app of it. Neither ref nor commit nor build: the default branch. */
        BatchItemBody: {
            app: string;
            /**
             * Format: int64
             * @description The number of a kept build.
             */
            build?: number | null;
            /** @description A full SHA. */
            commit?: string | null;
            /** @description Only these. */
            hosts?: string[] | null;
            inputs?: {
                [key: string]: string;
            };
            /** @description A branch or tag; with `commit`: one that holds it. */
            ref?: string | null;
        };
        /** @description Why not. */
        BatchReasonBody: {
            reason?: string | null;
            /** @description The versions that were seen, by the requests' numbers: another one is left as it is. */
            versions?: {
                [key: string]: number;
            };
        };
        /** @description Requests that were made together. */
        BatchView: {
            /**
             * Format: int64
             * @description The same number.
             */
            batch: number;
            created_at: string;
            created_by: string;
            description: string;
            environment: string;
            /** Format: int64 */
            id: number;
            /** @description Those that the caller may see. */
            items: components["schemas"]["RequestView"][];
            title: string;
        };
        /** @description Why, for the feed and whoever reads it later. */
        Because: {
            reason?: string;
        };
        /** @description What is left of a rate limit. */
        Budget: {
            /** Format: int64 */
            limit: number | null;
            /** Format: int64 */
            remaining: number;
            reset_at: string | null;
        };
        /** @description A build, by its number and its content. */
        BuildRef: {
            digest: string;
            /**
             * Format: int64
             * @description None: it is no longer kept.
             */
            id: number | null;
        };
        /**
         * @description Where a build comes from.
         * @enum {string}
         */
        BuildSource: "git" | "upload";
        /** @description A kept build. */
        BuildView: {
            app: string;
            /** Format: int64 */
            bytes: number;
            /** @description Of an upload: the first 40 digits of its digest. */
            commit: string;
            created_at: string;
            created_by: string;
            /** @description Of its content. */
            digest: string;
            /** Format: int64 */
            files: number;
            /** Format: int64 */
            id: number;
            source: components["schemas"]["BuildSource"];
            title: string;
            /** @description When it was last wanted. */
            used_at: string;
        };
        /** @description Files that runs hand on to later ones. */
        CacheView: {
            created_at: string;
            /** @description The branch whose runs made it, in full. */
            git_ref: string;
            /** Format: int64 */
            id: number;
            key: string;
            /**
             * Format: int64
             * @description Bytes.
             */
            size: number;
            used_at: string;
        };
        /** @description A call with everything in it. */
        CallFullView: components["schemas"]["CallView"] & {
            /** @description What is said, in the kind's own form. */
            payload: object;
        };
        /** @description A call to a forge or a channel. */
        CallView: {
            /** Format: int64 */
            attempts: number;
            /** @description The channel that it goes to. */
            channel: string | null;
            commit: string | null;
            created_at: string;
            done_at: string | null;
            /** @description What went wrong last. */
            error: string | null;
            /** @description The forge that it goes to. */
            forge: string | null;
            /** Format: int64 */
            id: number;
            /** @description `commit_status`, `deployment_state`, `comment`, `notice`. */
            kind: string;
            /** @description Of the calls of one lane the newest counts, and one is under way at a time. */
            lane: string;
            /** @description When it is tried next, while it waits. */
            next_at: string | null;
            repository: string | null;
            /** @description waiting, leased (under way), done, dead (given up), superseded (a newer one took its place). */
            state: components["schemas"]["OutboxState"];
            /** @description What it says, in a few words. */
            summary: string;
            /** @description What it points people to. */
            url: string | null;
        };
        /** @description How the hosts of an app in an environment are. */
        CellHealth: {
            /** @description When a host was last asked what it serves there. None: none has been since its release went live. */
            asked_at: string | null;
            /** @description Those of them that serve another release than the newest one, or none. */
            behind: number;
            /** @description Those that said, since their release went live, that they serve something else or that files have changed. */
            differing: number;
            /** @description Those that davit could not log in to when it last tried. */
            down: number;
            /** @description Hosts that the release config means. */
            hosts: number;
        };
        /**
         * @description Where a step stands on a host.
         * @enum {string}
         */
        CellState: "waiting" | "running" | "succeeded" | "failed" | "skipped" | "cancelled";
        /** @description One cell of the steps × hosts grid. */
        CellView: {
            finished_at: string | null;
            /** @description None: the server. */
            host: string | null;
            started_at: string | null;
            state: components["schemas"]["CellState"];
            /** Format: int32 */
            step: number;
        };
        /** @description What the caller may do with a change now. */
        ChangeAllowed: {
            /** @description Ask for its merge, and take that back. */
            merge: boolean;
            refresh: boolean;
        };
        /** @description A check of a commit. */
        ChangeCheckView: {
            at: string;
            description: string | null;
            /** @description Whether it is about a run of davit. */
            is_davit: boolean;
            name: string;
            state: components["schemas"]["CommitState"];
            target_url: string | null;
        };
        /** @description A change with everything that its merge depends on. */
        ChangeFull: {
            allowed: components["schemas"]["ChangeAllowed"];
            change: components["schemas"]["ChangeView"];
            /** @description Of its head, davit's own included. */
            checks: components["schemas"]["ChangeCheckView"][];
            policy: components["schemas"]["PolicyView"] | null;
            /** @description The merge queue of its base branch, where there is one. */
            queue: components["schemas"]["QueueView"][];
            /** @description Of its head, newest first. */
            runs: components["schemas"]["RunView"][];
        };
        /**
         * @description Where a change stands.
         * @enum {string}
         */
        ChangeState: "open" | "merged" | "closed";
        /** @description A pull or merge request. */
        ChangeView: {
            /** Format: int32 */
            approvals: number;
            asked: components["schemas"]["AskedView"] | null;
            author: string;
            base_branch: string;
            draft: boolean;
            forge: string;
            from_fork: boolean;
            head_branch: string;
            head_sha: string;
            /** @description What keeps davit from merging it, in the order in which people take care of it. */
            holds: known.Hold[];
            /**
             * Format: int64
             * @description davit's number.
             */
            id: number;
            labels: string[];
            /**
             * Format: int64
             * @description The forge's number.
             */
            number: number;
            /** @description Whether nothing does. */
            ready: boolean;
            repository: string;
            state: components["schemas"]["ChangeState"];
            title: string;
            updated_at: string;
            url: string;
        };
        /**
         * @description Where people are told.
         * @enum {string}
         */
        ChannelKind: "dingtalk" | "wecom" | "feishu" | "slack" | "mattermost" | "email" | "sms" | "webhook";
        /** @description A channel. What is secret about it, its URL first of all, is nowhere in it. */
        ChannelView: {
            /** @description Of which apps; `null`: all. */
            apps: string[] | null;
            /** @description Whether commands may come from it. */
            commands: boolean;
            /**
             * Format: int64
             * @description How many notices were given up.
             */
            dead: number;
            /** @description Of which environments; `null`: all. */
            environments: string[] | null;
            /** @description What it hears of; `null`: everything. */
            events: string[] | null;
            id: string;
            kind: components["schemas"]["ChannelKind"];
            /** @description `en` or `zh`. */
            language: string;
            last: components["schemas"]["LastNotice"] | null;
            /**
             * Format: int64
             * @description How many notices wait to be sent.
             */
            waiting: number;
        };
        /** @description A form. */
        CheckBody: {
            form: known.ConfigForm;
        };
        /** @description What the last look at a host found. */
        CheckView: {
            at: string;
            code: components["schemas"]["HostCheckCode"];
            detail: string;
            /** @description Of a key that a person has to look at. */
            fingerprint: string | null;
            ok: boolean;
        };
        /** @description A step of a job. */
        CiStepView: {
            ended_at: string | null;
            /** Format: int32 */
            exit_code: number | null;
            name: string;
            /**
             * Format: int32
             * @description From 0; lines of the log name it.
             */
            number: number;
            started_at: string | null;
            state: components["schemas"]["StepState"];
        };
        /** @description What else it is made from. */
        CloneBody: {
            /** @description Without it: the same. */
            environment?: string | null;
            /** @description Without it: the same. */
            title?: string | null;
        };
        /** @description Where a copy goes. */
        CloneConfigBody: {
            /** @description None: the same, which two release configs can't have on one host. */
            deploy_path?: string | null;
            /** @description None: the same app. */
            to_app?: string | null;
            to_environment: string;
        };
        /** @description No release window is open now. */
        ClosedView: {
            /** @description When the next one opens. */
            until: string | null;
        };
        /**
         * @description What a check of a commit says.
         * @enum {string}
         */
        CommitState: "pending" | "success" | "failure" | "error";
        /** @description A commit. */
        CommitView: {
            at: string;
            author: string;
            sha: string;
            subject: string;
        };
        /** @description What became of a step on a host. */
        ComparedCell: {
            before: components["schemas"]["Outcome"] | null;
            /** @description None: the server. */
            host: string | null;
            now: components["schemas"]["Outcome"] | null;
            /** Format: int32 */
            step: number;
        };
        /** @description One of them. */
        ComparedKey: {
            fingerprint: string;
            host: string;
        };
        /** @description Two deployments, cell by cell. */
        Comparison: {
            /** @description The steps on the server and on each host that either of them had. */
            cells: components["schemas"]["ComparedCell"][];
            /** @description The earlier one. */
            with: components["schemas"]["DeploymentSummary"];
        };
        /** @description What was found about a form. */
        ConfigCheckView: {
            checks: components["schemas"]["ConfigFinding"][];
            problems: components["schemas"]["Mistake"][];
        };
        /** @description What differs between two revisions. */
        ConfigDiff: {
            /** @description A unified diff of their `davit.toml`; empty: nothing. */
            diff: string;
        };
        /** @description How the release config differs. */
        ConfigDiffView: {
            /** @description Unified; empty when nothing differs. */
            diff: string;
            /**
             * Format: int64
             * @description The revision that is live; none: none is.
             */
            from: number | null;
            /**
             * Format: int64
             * @description The revision that it goes out with.
             */
            to: number;
        };
        /** @description Something that was looked at. */
        ConfigFinding: {
            ok: boolean;
            sentence: string;
            subject: string;
            /** @description git, host or path. */
            what: string;
        };
        /** @description What a revision said. */
        ConfigRevisionFull: {
            form: known.ConfigForm;
            /** Format: int64 */
            revision: number;
            saved_at: string;
            saved_by: string;
            /** @description The same as a part of a `davit.toml`. */
            toml: string;
        };
        /** @description A save of a release config. */
        ConfigRevisionView: {
            in_force: boolean;
            /** Format: int64 */
            revision: number;
            saved_at: string;
            saved_by: string;
        };
        /** @description How an app is released to an environment. */
        ConfigView: {
            /** @description Of mode custom, to release. */
            actions: components["schemas"]["ActionView"][];
            auto: object | null;
            build_dir: string;
            /** @description Directories of the checkout that are kept between builds. */
            caches: string[];
            deploy_path: string;
            environment: string;
            filter: known.PathFilter | null;
            /** @description What must hold on a host afterwards, in words. */
            health: string | null;
            hooks: known.Hooks;
            host_selector: object;
            hosts: string[];
            /** @description What is filled in with each request. */
            inputs: components["schemas"]["InputView"][];
            /** Format: int32 */
            keep: number;
            /** @description regular: the six steps; custom: the author's own actions. */
            mode: string;
            releases_path: string;
            /** Format: int64 */
            revision: number;
            /** @description Of mode custom, to go back. */
            rollback_actions: components["schemas"]["ActionView"][];
            saved_at: string;
            saved_by: string;
            share_builds: boolean;
            shared: known.SharedPaths;
            strategy: components["schemas"]["StrategyView"];
            /** @description Seconds. */
            timeouts: object;
            transfer: components["schemas"]["TransferView"];
            /** @description Names alone. */
            variables: string[];
        };
        /** @description How many requests there are. */
        Counts: {
            /** Format: int64 */
            all: number;
            /** Format: int64 */
            awaiting_release: number;
            /** Format: int64 */
            awaiting_review: number;
            /** Format: int64 */
            cancelled: number;
            /** Format: int64 */
            failed: number;
            /**
             * Format: int64
             * @description Rejected, withdrawn, cancelled, superseded.
             */
            other: number;
            /** Format: int64 */
            rejected: number;
            /** Format: int64 */
            releasing: number;
            /** Format: int64 */
            succeeded: number;
            /** Format: int64 */
            superseded: number;
            /**
             * Format: int64
             * @description Those that the caller may approve or release.
             */
            waiting_for_me: number;
            /** Format: int64 */
            withdrawn: number;
        };
        /** @description A shell that was asked for: its socket is to be opened within 30 seconds. */
        CreatedTerminal: {
            /** Format: int64 */
            id: number;
        };
        /** @description A new token, shown this once. */
        CreatedToken: {
            /** Format: int64 */
            id: number;
            token: string;
        };
        /** @description Something declared. */
        Declared: {
            form: object;
            /** @description Its key or name. */
            key: string;
            /** @description Names of the stored secrets that nothing else names: those that can go with it when it is taken away. */
            own_secrets: string[];
        };
        /** @description The figures of the last days, of as many days before, and day by day or week by week. */
        DeliveryFigures: {
            /** @description As many days before it. */
            before: components["schemas"]["FiguresView"];
            /**
             * Format: int32
             * @description How many days.
             */
            days: number;
            /** @description In how many places (an app in an environment) the last change has failed and nothing has put it right yet. */
            open: number;
            /** @description The period's days or weeks. The first week may be shorter. */
            parts: components["schemas"]["FiguresView"][];
            /** @description The whole period. */
            period: components["schemas"]["FiguresView"];
            /** @description Whether a part is a week; else it is a day. */
            weeks: boolean;
        };
        /** @description A webhook request with everything in it. */
        DeliveryFullView: components["schemas"]["DeliveryView"] & {
            body: string;
            /** @description Names and values; secrets masked. */
            headers: [
                string,
                string
            ][];
            started: components["schemas"]["Started"][];
        };
        /** @description A webhook request. */
        DeliveryView: {
            /** Format: int64 */
            attempts: number;
            /** @description Whether davit found it by itself, because the forge's own delivery never came. */
            caught_up: boolean;
            /** @description The forge's own id. */
            delivery: string;
            event: string;
            forge: string;
            /** Format: int64 */
            id: number;
            reason: string;
            received_at: string;
            repository: string | null;
            summary: string;
            verdict: components["schemas"]["Verdict"];
        };
        /** @description What to release. Neither ref nor commit nor build: the default branch. */
        DeployBody: {
            /**
             * Format: int64
             * @description The number of a kept build.
             */
            build?: number | null;
            /** @description A full SHA. */
            commit?: string | null;
            /** @description What more there is to know. */
            description?: string;
            /** @description Only these hosts. */
            hosts?: string[] | null;
            /** @description What is filled in, by the names of the release config's inputs. */
            inputs?: {
                [key: string]: string;
            };
            /** @description A branch or tag; with `commit`: one that holds it. */
            ref?: string | null;
            /** @description When it goes out by itself, if it may then. Needs the right to release. */
            scheduled_at?: string | null;
            /** @description Without it: the commit's subject. */
            title?: string | null;
        };
        /** @description Where the key is to be added as well. */
        DeployKeyBody: {
            /** @description `owner/name`; without it the key is made and shown. */
            repository?: string | null;
        };
        /** @description A key with which git reads a forge's repositories. */
        DeployKeyView: {
            /** @description The repository that it was added to. */
            added_to: string | null;
            /** @description Whether `git_key` names it. */
            in_use: boolean;
            /** @description Whether it is new. */
            made: boolean;
            public_key: string;
            /** @description To be written as `git_key = { secret = "…" }`. */
            secret: string;
        };
        /** @description A deployment with its hosts and grid. */
        DeploymentFull: components["schemas"]["DeploymentSummary"] & {
            cells: components["schemas"]["CellView"][];
            host_runs: components["schemas"]["HostRunView"][];
            /** Format: int64 */
            last_seq: number;
            previous_release: string | null;
            steps: components["schemas"]["StepView"][];
        };
        /**
         * @description Where a deployment stands.
         * @enum {string}
         */
        DeploymentState: "queued" | "building" | "staging" | "switching" | "verifying" | "paused" | "succeeded" | "failed" | "reverting" | "reverted" | "cancelled" | "superseded";
        /** @description A deployment, as lists show it. */
        DeploymentSummary: {
            app: string;
            /** Format: int64 */
            attempt: number;
            /**
             * Format: int32
             * @description In how many portions its hosts go.
             */
            batches: number;
            /** @description Why it waits although its turn has come: a lock, a freeze window. */
            blocked: string | null;
            build: components["schemas"]["BuildRef"] | null;
            commit: string;
            created_at: string;
            environment: string;
            finished_at: string | null;
            /** @description Who let it pass locks and freeze windows. */
            gates_overridden_by: string | null;
            git_ref: string | null;
            hosts_done: number;
            hosts_total: number;
            /** Format: int64 */
            id: number;
            kind: components["schemas"]["RequestKind"];
            /** @description regular: the six steps; custom: the author's own actions. */
            mode: components["schemas"]["ReleaseMode"];
            pause: components["schemas"]["PauseView"] | null;
            reason: string | null;
            release: string;
            /** Format: int64 */
            request: number;
            started_at: string | null;
            state: components["schemas"]["DeploymentState"];
            title: string;
            user: string;
        };
        /** @description What a release would change, compared with what is live; of one that went out, with what was live before. */
        DiffView: {
            /**
             * Format: int64
             * @description Commits that come.
             */
            ahead: number | null;
            base: components["schemas"]["BaseView"] | null;
            /**
             * Format: int64
             * @description Commits that are live and go.
             */
            behind: number | null;
            /** @description Those that come, newest first; at most 200. */
            commits: components["schemas"]["CommitView"][];
            commits_truncated: boolean;
            config: components["schemas"]["ConfigDiffView"];
            /** @description At most 1,000. */
            files: components["schemas"]["FileView"][];
            files_truncated: boolean;
            /** @description The commit that is asked for. */
            head: string;
            /** @description Why there are no commits and files. */
            note: string | null;
        };
        /** @description What was found. */
        DoctorView: {
            /** @description When it was looked at. */
            at: string;
            checks: components["schemas"]["FindingView"][];
            /** @description Whether all is as it should be. */
            ok: boolean;
        };
        /** @description The build. */
        DryFiles: {
            /**
             * Format: int64
             * @description Of its archive.
             */
            bytes: number;
            /** Format: int64 */
            count: number;
        };
        /** @description A host. */
        DryHostView: {
            live: string | null;
            name: string;
            would: string;
        };
        /** @description What to release. */
        DryRunBody: {
            /** @description A branch, a tag or a commit; none: the default branch. */
            reference?: string | null;
        };
        /** @description What a release would do. */
        DryRunView: {
            commit: string;
            files: components["schemas"]["DryFiles"] | null;
            /** @description What is in the way now. */
            gates: string[];
            hosts: components["schemas"]["DryHostView"][];
            steps: components["schemas"]["DryStepView"][];
            subject: string;
            /** @description Names of the values that hooks would see. */
            values: string[];
        };
        /** @description A step. */
        DryStepView: {
            sentence: string;
            /** Format: int32 */
            step: number;
            where: components["schemas"]["StepPlace"];
        };
        /**
         * @description What becomes another. What is absent stays as it is. Everything but `scheduled_at` makes a new version, which has no
         *     approvals.
         */
        EditBody: {
            /**
             * Format: int64
             * @description The number of a kept build.
             */
            build?: number | null;
            /** @description A full SHA. */
            commit?: string | null;
            description?: string | null;
            /** @description Only these hosts; null: all. */
            hosts?: string[] | null;
            /** @description All that is filled in. */
            inputs?: {
                [key: string]: string;
            } | null;
            /** @description Whether the release config and the values are pinned as they are now. */
            latest_config?: boolean;
            /** @description A branch or tag; with `commit`: one that holds it. */
            ref?: string | null;
            /** @description When it goes out by itself; null: when somebody lets it. Needs the right to release. */
            scheduled_at?: string | null;
            title?: string | null;
            /**
             * Format: int64
             * @description The version that was seen: another one is not edited.
             */
            version?: number | null;
        };
        /** @description Something that happened. */
        EntryView: {
            /** @description What, as a word. */
            action: string;
            /** @description An account's name, or the part of davit that acted. */
            actor: string;
            app: string | null;
            at: string;
            /** @description What else there is to say; `before` and `after` where something changed. */
            detail: unknown;
            environment: string | null;
            /** Format: int64 */
            id: number;
            /** @description An address, `token:NAME@ADDRESS`, `chat:ID`, `forge:ID` or `cli`; none: davit by itself. */
            origin: string | null;
            /**
             * Format: int64
             * @description That place.
             */
            position: number | null;
            /** @description Whether it has its place in the chain that shows later changes. */
            sealed: boolean;
            /** @description To what. */
            subject: string;
        };
        /** @description An environment. */
        EnvironmentBody: {
            /** @description The form that the person saw, `null` where there was none; absent: whatever there is is replaced. */
            base?: known.EnvironmentForm | null;
            /** @description Whether to stop when everything is checked. */
            dry_run?: boolean;
            /** @description What `[[environment]]` says, without `key`. */
            form: known.EnvironmentForm;
            /** @description Its place in the list, from 0; absent: where it is, or the end. */
            order?: number | null;
            /** @description With `order`: the keys of all environments in the order that the person saw; absent: whatever the order is. */
            seen_order?: string[] | null;
        };
        /** @description A column. */
        EnvironmentBrief: {
            color: string | null;
            key: string;
            name: string;
        };
        /** @description An environment. */
        EnvironmentView: {
            branches: string[] | null;
            color: string | null;
            /** @description What `[[environment]]` says, without `key`: its review rule, branches, windows and freezes. */
            form: known.EnvironmentForm;
            /** @description What keeps every app from it now. */
            gate: components["schemas"]["GateView"];
            key: string;
            name: string;
            /** Format: int32 */
            required_approvals: number;
            self_approval: boolean;
            /** @description Where people see what runs there. */
            url: string | null;
        };
        /**
         * @description What runs the steps of jobs.
         * @enum {string}
         */
        Executor: "sandbox" | "host";
        /** @description What happened in a span of time. */
        FiguresView: {
            /** @description Changes that failed after the first host had begun to switch. */
            failed: number;
            /**
             * Format: double
             * @description Change failure rate, from 0 to 1: `rolled_back`, `failed` and `reverted` among `live`, `failed` and `reverted`.
             */
            failure_rate: number | null;
            /** @description Its first moment. */
            from: string;
            lead: components["schemas"]["SpreadView"] | null;
            /** @description Changes that went live. */
            live: number;
            /**
             * Format: double
             * @description Deployment frequency: changes that went live, a day.
             */
            per_day: number;
            restore: components["schemas"]["SpreadView"] | null;
            /** @description Changes whose hosts went back at once. */
            reverted: number;
            /** @description Rollbacks that went live. */
            rollbacks: number;
            /** @description Those of `live` that a rollback took back later. */
            rolled_back: number;
            /** @description Changes that failed before anything was switched: neither changes of a host nor failures of one. */
            stopped: number;
            /** @description Its end, which is no part of it. */
            to: string;
        };
        /**
         * @description What became of a file.
         * @enum {string}
         */
        FileStatus: "added" | "modified" | "deleted" | "renamed" | "copied" | "type_changed";
        /** @description A file that differs. */
        FileView: {
            /**
             * Format: int64
             * @description Lines; none for what is not text.
             */
            additions: number | null;
            /**
             * Format: int64
             * @description Lines; none for what is not text.
             */
            deletions: number | null;
            /** @description Where it was, when it was elsewhere. */
            old_path: string | null;
            /** @description Invalid UTF-8 replaced. */
            path: string;
            status: components["schemas"]["FileStatus"];
        };
        /** @description One thing that was looked at. */
        FindingView: {
            /** @description server, forge, outbox, runner. */
            about: string;
            detail: string;
            /** @description What to do. */
            fix: string | null;
            name: string;
            ok: boolean;
        };
        /** @description The first administrator. */
        FirstAccount: {
            /** @description The one-time code that the server printed. */
            code: string;
            name: string;
            /** @description At least 12 characters. */
            password: string;
        };
        /** @description What davit found at a repository. */
        ForgeCheckView: {
            /**
             * Format: int64
             * @description How far the forge's clock is ahead of davit's.
             */
            clock_skew_ms: number | null;
            default_branch: string | null;
            /** @description Why not. */
            detail: string;
            hook: components["schemas"]["HookStandingView"];
            needs: components["schemas"]["NeedView"][];
            /** @description Whether it could be seen at all. */
            reachable: boolean;
            repository: string;
        };
        /**
         * @description What davit signs in to a forge with.
         * @enum {string}
         */
        ForgeCredential: "none" | "token" | "app";
        /**
         * @description What kind of forge.
         * @enum {string}
         */
        ForgeKind: "github" | "gitlab" | "gitea" | "gitee" | "generic";
        /** @description A forge. */
        ForgeView: {
            /** @description Empty for a generic one. */
            api_url: string;
            budget: components["schemas"]["Budget"] | null;
            credential: components["schemas"]["ForgeCredential"];
            /**
             * Format: int64
             * @description Calls to it that were given up.
             */
            dead: number;
            /** @description The public line of the key that davit stores for that. */
            deploy_key: string | null;
            git_key: components["schemas"]["SecretSource"] | null;
            /** @description Whether the credential has a value. */
            has_token: boolean;
            has_webhook_secret: boolean;
            /** @description To be entered at the forge. */
            hook_url: string;
            id: string;
            kind: components["schemas"]["ForgeKind"];
            last_delivery: components["schemas"]["LastDelivery"] | null;
            /** @description Until when davit sends it nothing by itself, because of a limit. */
            paused_until: string | null;
            /** @description Of the apps, there. */
            repositories: string[];
            /** @description How its webhooks are signed. */
            signature: string;
            /**
             * Format: int64
             * @description Calls to it that are still to be made.
             */
            waiting: number;
            webhook_secret: components["schemas"]["SecretSource"] | null;
        };
        /** @description A line that holds what was looked for. */
        FoundView: {
            /** Format: int64 */
            job_id: number;
            /** Format: int64 */
            seq: number;
            /** Format: int32 */
            step: number;
            text: string;
        };
        /** @description The freeze window that holds now. */
        FrozenView: {
            reason: string;
            until: string;
        };
        /** @description What stands between an app and an environment now. */
        GateView: {
            closed: components["schemas"]["ClosedView"] | null;
            frozen: components["schemas"]["FrozenView"] | null;
            locks: components["schemas"]["LockView"][];
            /** @description Whether a new release would start at once. */
            open: boolean;
            reason: string | null;
            /** @description When it opens by itself, as far as that is known. */
            until: string | null;
        };
        /** @description A role that is held somewhere. */
        GrantView: {
            created_at: string;
            created_by: string;
            /** @description The group's name, when it is a group's. */
            group: string | null;
            /** Format: int64 */
            id: number;
            role: components["schemas"]["Role"];
            /** @description all, environment:KEY, app:KEY, app:KEY@ENVIRONMENT or label:WORD. */
            scope: string;
            /** @description The account's name, when it is an account's. */
            user: string | null;
        };
        /** @description What is to change of a group; what is left out stays. */
        GroupBody: {
            description?: string | null;
            name?: string | null;
        };
        /** @description A group with its members and what they are granted. */
        GroupDetail: {
            created_at: string;
            description: string;
            grants: components["schemas"]["GrantView"][];
            members: components["schemas"]["MemberView"][];
            name: string;
        };
        /** @description A group. */
        GroupView: {
            created_at: string;
            description: string;
            /** @description How many accounts. */
            members: number;
            name: string;
        };
        /** @description A role that is held somewhere. */
        HeldGrant: {
            role: components["schemas"]["Role"];
            /** @description all, environment:KEY, app:KEY, app:KEY@ENVIRONMENT or label:WORD. */
            scope: string;
        };
        /** @description One thing that keeps a change from being merged. */
        HoldView: object & {
            sentence: string;
        };
        /**
         * @description Where the secret of a registered hook came from.
         * @enum {string}
         */
        HookSecret: "made" | "stored" | "env" | "file";
        /** @description The hook that sends to davit. */
        HookStandingView: {
            /** @description Why it is unknown. */
            detail: string;
            /** @description What it sends, in the forge's words. */
            events: string[];
            /** Format: int64 */
            id: number | null;
            /** @description How its last delivery ended, in the forge's words. */
            last_response: string | null;
            state: components["schemas"]["HookState"];
        };
        /**
         * @description What a forge says of its hook.
         * @enum {string}
         */
        HookState: "registered" | "inactive" | "missing" | "unknown";
        /** @description A hook as it is now. */
        HookView: {
            active: boolean;
            events: string[];
            /** Format: int64 */
            id: number;
            /** @description Where the secret came from that it signs with: made, stored, env, file. */
            secret: components["schemas"]["HookSecret"];
            url: string;
        };
        /**
         * @description What came of looking at a host.
         * @enum {string}
         */
        HostCheckCode: "ok" | "unreachable" | "denied" | "host_key_unknown" | "host_key_changed" | "refused";
        /**
         * @description How a host is reached.
         * @enum {string}
         */
        HostKind: "ssh" | "local";
        /**
         * @description Where a deployment stands on a host.
         * @enum {string}
         */
        HostRunState: "waiting" | "staging" | "staged" | "switching" | "live" | "verifying" | "done" | "failed" | "held" | "reverted" | "skipped" | "cancelled" | "unknown";
        /** @description One host of a deployment. */
        HostRunView: {
            /**
             * Format: int32
             * @description From 1.
             */
            batch: number;
            host: string;
            previous_release: string | null;
            reason: string | null;
            state: components["schemas"]["HostRunState"];
            /**
             * Format: int32
             * @description Where it failed: the number of the step.
             */
            step: number | null;
            /**
             * Format: int32
             * @description From 1; each retry of the host is one more.
             */
            tries: number;
            updated_at: string;
        };
        /** @description A host. */
        HostView: {
            address: string;
            category: string | null;
            check: components["schemas"]["CheckView"] | null;
            environments: string[];
            host_key_fingerprint: string | null;
            jump: string[];
            kind: components["schemas"]["HostKind"];
            labels: string[];
            name: string;
            /** Format: int32 */
            port: number;
            user: string;
        };
        /** @description Who an account is to be elsewhere. */
        IdentityBody: {
            /** @description What people see there. */
            label?: string;
            /** @description oidc:ID, ldap:ID, forge:ID or chat:CHANNEL. */
            provider: string;
            /** @description What the provider calls them for good; at forges the login. */
            subject: string;
        };
        /** @description Who an account is elsewhere. */
        IdentityView: {
            created_at: string;
            /** Format: int64 */
            id: number;
            label: string;
            /** @description oidc:ID, ldap:ID, forge:ID or chat:CHANNEL. */
            provider: string;
            subject: string;
        };
        /** @description Something that is filled in with each request and becomes a variable. */
        InputView: {
            /** @description Empty: anything. */
            choices: string[];
            default: string | null;
            label: string;
            name: string;
            required: boolean;
        };
        /** @description A line of a job's log. */
        JobLineView: {
            at: string;
            /** Format: int64 */
            seq: number;
            /**
             * Format: int32
             * @description The number of the step that said it.
             */
            step: number;
            stream: components["schemas"]["LogStream"];
            text: string;
        };
        /** @description Stored lines of a job. */
        JobLines: {
            items: components["schemas"]["JobLineView"][];
            /** Format: int64 */
            last_seq: number;
        };
        /** @description Where the steps and groups of a job's log begin and end. */
        JobOutline: {
            /**
             * Format: int64
             * @description The last line that was looked at.
             */
            last_seq: number;
            marks: components["schemas"]["MarkView"][];
            /** @description Of the groups only the first thousands are named: there are more. */
            truncated: boolean;
        };
        /**
         * @description Where an attempt at a job stands.
         * @enum {string}
         */
        JobState: "queued" | "running" | "success" | "failure" | "cancelled" | "timed_out" | "skipped" | "error";
        /** @description One attempt at a job of a run. */
        JobView: {
            /** Format: int64 */
            attempt: number;
            created_at: string;
            ended_at: string | null;
            environment: string | null;
            /** Format: int64 */
            id: number;
            /** @description Which instance of its matrix, from 0. */
            index: number;
            /** @description Its key in the workflow. */
            key: string;
            /** @description Whether no newer attempt has taken its place. */
            latest: boolean;
            name: string;
            /** @description The keys of the jobs it needs. */
            needs: string[];
            reason: string | null;
            started_at: string | null;
            state: components["schemas"]["JobState"];
            steps: components["schemas"]["CiStepView"][];
        };
        /** @description What became of it. */
        KeyImportView: {
            /** @description Hosts whose pinned key is another one; it stays. */
            conflicts: string[];
            /** @description Hosts without a key that the file says nothing about. */
            missing: string[];
            /** @description Hosts that had no key and have one now. */
            pinned: string[];
            /** @description Entries about none of davit's hosts. */
            unknown: number;
            /** @description Lines that could not be read. */
            unreadable: number;
        };
        /** @description The key that a host shows. */
        KeyScanView: {
            /** @description Why it could not be asked, for people. */
            detail: string;
            /** @description `SHA256:…`. */
            fingerprint: string | null;
            host: string;
            status: components["schemas"]["ScanStatus"];
        };
        /**
         * @description What kind of value.
         * @enum {string}
         */
        KindWord: "plain" | "secret" | "env" | "file";
        /** @description The text of a `known_hosts`. */
        KnownHostsBody: {
            text: string;
        };
        /** @description What came last from a forge. */
        LastDelivery: {
            event: string;
            /** Format: int64 */
            id: number;
            received_at: string;
            verdict: components["schemas"]["Verdict"];
        };
        /** @description What became of a notice. */
        LastNotice: {
            at: string;
            /** @description Why not. */
            detail: string;
            /** @description Whether the receiver took it. */
            ok: boolean;
        };
        /** @description Stored lines. */
        Lines: {
            items: object[];
            /** Format: int64 */
            last_seq: number;
        };
        /** @description Where the code will come from. */
        LinkBody: {
            /** @description chat:CHANNEL. */
            provider: string;
        };
        /** @description A code to be sent from elsewhere. */
        LinkCode: {
            code: string;
            expires_at: string;
        };
        /** @description What one host said. */
        LiveCheckView: {
            /** @description None: it was never asked. */
            at: string | null;
            detail: components["schemas"]["LiveDetailView"];
            /** @description The release that davit put there. */
            expected: string | null;
            host: string;
            /** @description The release that it serves. */
            live: string | null;
            verdict: components["schemas"]["LiveVerdict"];
        };
        /** @description What differs. */
        LiveDetailView: {
            /**
             * Format: int64
             * @description How many files of the live release are not as they were sent.
             */
            altered: number;
            /** @description The first of them. */
            files: string[];
            /** @description Where the deploy path leads when that is no release of davit's. */
            foreign: string | null;
            /** @description For people. */
            sentence: string;
        };
        /**
         * @description What a host's own words say of what it serves.
         * @enum {string}
         */
        LiveVerdict: "ok" | "drift" | "unreachable" | "unknown";
        /** @description What is live somewhere. */
        LiveView: {
            at: string;
            commit: string;
            /** Format: int64 */
            deployment: number;
            /** @description The branch or tag that it was asked for by: by its short name when a person asked, `refs/heads/…` when a push did. */
            git_ref: string | null;
            /** @description Hosts that serve it. */
            hosts: number;
            release: string;
            title: string;
        };
        /** @description A lock to be made. */
        LockBody: {
            /** @description Without it: every app. */
            app?: string | null;
            environment: string;
            /** @description When it ends by itself; without it: when somebody ends it. */
            expires_at?: string | null;
            /** @description For whoever waits. */
            reason: string;
        };
        /** @description A lock that holds. */
        LockView: {
            /** @description None: every app. */
            app: string | null;
            created_at: string;
            environment: string;
            /** @description None: until somebody ends it. */
            expires_at: string | null;
            /** Format: int64 */
            id: number;
            owner: string;
            reason: string;
        };
        /** @description Name and password. */
        LogIn: {
            /** @description Of the account's second factor, or a recovery code; only needed when the answer was `second_factor_required`. */
            code?: string | null;
            name: string;
            password: string;
        };
        /** @description Lines that hold a text. */
        LogMatches: {
            /**
             * Format: int64
             * @description How many of them come before the first of `lines`.
             */
            before: number;
            /**
             * Format: int64
             * @description The last line that was searched.
             */
            last_seq: number;
            /** @description The numbers of those around `from`: at most 500 before it, and 500 from it on. */
            lines: number[];
            /**
             * Format: int64
             * @description How many lines hold it.
             */
            total: number;
        };
        /**
         * @description What wrote a line.
         * @enum {string}
         */
        LogStream: "system" | "stdout" | "stderr";
        /** @description Lines that follow each other among those that are shown. */
        LogWindow: {
            /**
             * Format: int64
             * @description The place of the first one, from 0.
             */
            first: number;
            items: known.LogLine[];
            /**
             * Format: int64
             * @description The last line of the whole log; a stream goes on after it.
             */
            last_seq: number;
            /**
             * Format: int64
             * @description How many there are in all, up to `last_seq`.
             */
            total: number;
        };
        /** @description Somewhere where an account is signed in. */
        LoginSession: {
            created_at: string;
            /** @description Whether it is the one that asks. */
            current: boolean;
            expires_at: string;
            /** @description `password`, `oidc:ID` or `ldap:ID`. */
            how: string;
            /** Format: int64 */
            id: number;
            /** @description The address somebody signed in from. */
            ip: string | null;
            last_seen_at: string;
            /** @description What their browser called itself. */
            user_agent: string | null;
        };
        /**
         * @description What stands at a line: the first one of a step, the edges of a group, the first error in one.
         * @enum {string}
         */
        MarkKind: "step" | "group" | "endgroup" | "error";
        /** @description Something that a viewer folds by. */
        MarkView: {
            /** @description step: its first line, or the first of more from it; group, endgroup; error: the first one in a group. */
            kind: components["schemas"]["MarkKind"];
            /**
             * Format: int64
             * @description The line.
             */
            seq: number;
            /**
             * Format: int32
             * @description The number of the step that said it.
             */
            step: number;
            /** @description Of a group. */
            title?: string;
        };
        /** @description What the caller may do here. */
        MayView: {
            /** @description Set and remove plain and secret values. */
            plain: boolean;
            /** @description Set values that are read on the server. */
            reference: boolean;
        };
        /** @description Somebody in a group. */
        MemberView: {
            /** @description local, or the identity provider that says so. */
            source: string;
            user: string;
        };
        /** @description What is to be merged. */
        MergeBody: {
            /** @description The full SHA of the commit that was looked at. */
            head_sha: string;
        };
        /**
         * @description How a change becomes part of its base.
         * @enum {string}
         */
        MergeMethod: "merge" | "squash" | "rebase";
        /**
         * @description By what people ask davit to merge.
         * @enum {string}
         */
        MergeWay: "label" | "comment" | "forge" | "ui";
        /** @description One mistake in a document. */
        Mistake: {
            /** @description 1-based. */
            column: number;
            /** @description Of a form instead of a document: the field, such as `input[0].name`; empty: the form as a whole. */
            field?: string;
            /** @description 1-based. */
            line: number;
            /** @description What is wrong and what to write. */
            message: string;
        };
        /** @description Something that davit does there. */
        NeedView: {
            /** @description None: the forge does not say so for this sort of credential. */
            granted: boolean | null;
            /** @description What to give the credential for it, in the forge's words. */
            permission: string;
            /** @description Words that follow "davit can". */
            what: string;
        };
        /** @description A new app. */
        NewApp: {
            key: string;
            /** @description None: its key. */
            name?: string | null;
            /** @description `{forge, name}`, with a `url` where git fetches from elsewhere; or `{url}`. */
            repository: known.NewRepository;
        };
        /** @description A role that is to be held somewhere, by an account or by a group. */
        NewGrant: {
            group?: string | null;
            role: components["schemas"]["Role"];
            /** @description all, environment:KEY, app:KEY, app:KEY@ENVIRONMENT or label:WORD. */
            scope: string;
            user?: string | null;
        };
        /** @description A group that is to be made. */
        NewGroup: {
            description?: string;
            name: string;
        };
        /** @description A new password. */
        NewPassword: {
            /** @description At least 12 characters. */
            password: string;
        };
        /** @description What an authenticator app needs, shown this once. */
        NewSecondFactor: {
            otpauth_url: string;
            /** @description The same as a picture: SVG. */
            qr_svg: string;
            /** @description Base 32, for typing it in. */
            secret: string;
        };
        /** @description How large the window is. */
        NewTerminal: {
            /**
             * Format: int32
             * @description Characters a line.
             */
            cols: number;
            /**
             * Format: int32
             * @description Lines.
             */
            rows: number;
        };
        /** @description A token that is to be made, with what it is to leave of the account's access. */
        NewToken: {
            /**
             * Format: int32
             * @description 1 to 3650; without it: for good.
             */
            expires_in_days?: number | null;
            /** @description What it is for. */
            name: string;
            role?: components["schemas"]["Role"] | null;
            /** @description Only there: all, environment:KEY, app:KEY, app:KEY@ENVIRONMENT, label:WORD; without it: everywhere. */
            scopes?: string[] | null;
        };
        /** @description An account that is to be made. */
        NewUser: {
            display_name?: string;
            email?: string;
            name: string;
            /** @description Without it the account can't log in by password until one is set. */
            password?: string | null;
            /** @description Whether it is the person who had a deleted account of this name, and gets its history back. */
            reuse_name?: boolean;
            role: components["schemas"]["RoleOrNone"];
        };
        /** @description What a value is to be. */
        NewValueBody: {
            kind: components["schemas"]["KindWord"];
            /** @description The text, the name of a variable of the server, or the absolute path of a file there. */
            value: string;
        };
        /** @description A commit that waits. */
        NewestView: {
            /** @description When davit heard of it. */
            at: string;
            commit: string;
            /** @description The branch or tag, by its short name. */
            reference: string;
        };
        /**
         * @description Where a call to a forge or channel stands: under way is `leased`, given up `dead`.
         * @enum {string}
         */
        OutboxState: "waiting" | "leased" | "done" | "dead" | "superseded";
        /** @description A cell of one of the two. */
        Outcome: {
            state: components["schemas"]["CellState"];
            /**
             * Format: int64
             * @description Milliseconds; none: it has not ended, or never began.
             */
            took: number | null;
        };
        /** @description The first page. */
        Overview: {
            /** @description What a person has to look at. */
            alerts: components["schemas"]["AlertView"][];
            apps: components["schemas"]["AppRow"][];
            environments: components["schemas"]["EnvironmentBrief"][];
            forges: number;
            hosts: number;
            running: components["schemas"]["DeploymentSummary"][];
            waiting: components["schemas"]["RequestView"][];
        };
        /** @description An app in an environment. */
        OverviewCell: {
            environment: string;
            health: components["schemas"]["CellHealth"];
            last: components["schemas"]["DeploymentSummary"] | null;
            live: components["schemas"]["LiveView"] | null;
            newest: components["schemas"]["NewestView"] | null;
        };
        /** @description That the account is one's own: one of both. */
        Ownership: {
            /** @description Of the app, or a recovery code. */
            code?: string | null;
            password?: string | null;
        };
        /** @description A part of a list. */
        Page_AlertView: {
            /** @description The rows. */
            items: components["schemas"]["AlertView"][];
            /** @description Cursor of the next page; none when this was the last. */
            next: string | null;
        };
        /** @description A part of a list. */
        Page_AppItem: {
            /** @description The rows. */
            items: components["schemas"]["AppItem"][];
            /** @description Cursor of the next page; none when this was the last. */
            next: string | null;
        };
        /** @description A part of a list. */
        Page_BuildView: {
            /** @description The rows. */
            items: components["schemas"]["BuildView"][];
            /** @description Cursor of the next page; none when this was the last. */
            next: string | null;
        };
        /** @description A part of a list. */
        Page_CacheView: {
            /** @description The rows. */
            items: components["schemas"]["CacheView"][];
            /** @description Cursor of the next page; none when this was the last. */
            next: string | null;
        };
        /** @description A part of a list. */
        Page_CallView: {
            /** @description The rows. */
            items: components["schemas"]["CallView"][];
            /** @description Cursor of the next page; none when this was the last. */
            next: string | null;
        };
        /** @description A part of a list. */
        Page_ChangeView: {
            /** @description The rows. */
            items: components["schemas"]["ChangeView"][];
            /** @description Cursor of the next page; none when this was the last. */
            next: string | null;
        };
        /** @description A part of a list. */
        Page_ChannelView: {
            /** @description The rows. */
            items: components["schemas"]["ChannelView"][];
            /** @description Cursor of the next page; none when this was the last. */
            next: string | null;
        };
        /** @description A part of a list. */
        Page_CommitView: {
            /** @description The rows. */
            items: components["schemas"]["CommitView"][];
            /** @description Cursor of the next page; none when this was the last. */
            next: string | null;
        };
        /** @description A part of a list. */
        Page_ConfigRevisionView: {
            /** @description The rows. */
            items: components["schemas"]["ConfigRevisionView"][];
            /** @description Cursor of the next page; none when this was the last. */
            next: string | null;
        };
        /** @description A part of a list. */
        Page_DeliveryView: {
            /** @description The rows. */
            items: components["schemas"]["DeliveryView"][];
            /** @description Cursor of the next page; none when this was the last. */
            next: string | null;
        };
        /** @description A part of a list. */
        Page_DeploymentSummary: {
            /** @description The rows. */
            items: components["schemas"]["DeploymentSummary"][];
            /** @description Cursor of the next page; none when this was the last. */
            next: string | null;
        };
        /** @description A part of a list. */
        Page_EntryView: {
            /** @description The rows. */
            items: components["schemas"]["EntryView"][];
            /** @description Cursor of the next page; none when this was the last. */
            next: string | null;
        };
        /** @description A part of a list. */
        Page_EnvironmentView: {
            /** @description The rows. */
            items: components["schemas"]["EnvironmentView"][];
            /** @description Cursor of the next page; none when this was the last. */
            next: string | null;
        };
        /** @description A part of a list. */
        Page_ForgeView: {
            /** @description The rows. */
            items: components["schemas"]["ForgeView"][];
            /** @description Cursor of the next page; none when this was the last. */
            next: string | null;
        };
        /** @description A part of a list. */
        Page_FoundView: {
            /** @description The rows. */
            items: components["schemas"]["FoundView"][];
            /** @description Cursor of the next page; none when this was the last. */
            next: string | null;
        };
        /** @description A part of a list. */
        Page_GrantView: {
            /** @description The rows. */
            items: components["schemas"]["GrantView"][];
            /** @description Cursor of the next page; none when this was the last. */
            next: string | null;
        };
        /** @description A part of a list. */
        Page_GroupView: {
            /** @description The rows. */
            items: components["schemas"]["GroupView"][];
            /** @description Cursor of the next page; none when this was the last. */
            next: string | null;
        };
        /** @description A part of a list. */
        Page_HostView: {
            /** @description The rows. */
            items: components["schemas"]["HostView"][];
            /** @description Cursor of the next page; none when this was the last. */
            next: string | null;
        };
        /** @description A part of a list. */
        Page_IdentityView: {
            /** @description The rows. */
            items: components["schemas"]["IdentityView"][];
            /** @description Cursor of the next page; none when this was the last. */
            next: string | null;
        };
        /** @description A part of a list. */
        Page_KeyScanView: {
            /** @description The rows. */
            items: components["schemas"]["KeyScanView"][];
            /** @description Cursor of the next page; none when this was the last. */
            next: string | null;
        };
        /** @description A part of a list. */
        Page_LiveCheckView: {
            /** @description The rows. */
            items: components["schemas"]["LiveCheckView"][];
            /** @description Cursor of the next page; none when this was the last. */
            next: string | null;
        };
        /** @description A part of a list. */
        Page_LockView: {
            /** @description The rows. */
            items: components["schemas"]["LockView"][];
            /** @description Cursor of the next page; none when this was the last. */
            next: string | null;
        };
        /** @description A part of a list. */
        Page_ReleaseView: {
            /** @description The rows. */
            items: components["schemas"]["ReleaseView"][];
            /** @description Cursor of the next page; none when this was the last. */
            next: string | null;
        };
        /** @description A part of a list. */
        Page_RequestView: {
            /** @description The rows. */
            items: components["schemas"]["RequestView"][];
            /** @description Cursor of the next page; none when this was the last. */
            next: string | null;
        };
        /** @description A part of a list. */
        Page_RunView: {
            /** @description The rows. */
            items: components["schemas"]["RunView"][];
            /** @description Cursor of the next page; none when this was the last. */
            next: string | null;
        };
        /** @description A part of a list. */
        Page_SearchHit: {
            /** @description The rows. */
            items: components["schemas"]["SearchHit"][];
            /** @description Cursor of the next page; none when this was the last. */
            next: string | null;
        };
        /** @description A part of a list. */
        Page_SecretView: {
            /** @description The rows. */
            items: components["schemas"]["SecretView"][];
            /** @description Cursor of the next page; none when this was the last. */
            next: string | null;
        };
        /** @description A part of a list. */
        Page_String: {
            /** @description The rows. */
            items: string[];
            /** @description Cursor of the next page; none when this was the last. */
            next: string | null;
        };
        /** @description A part of a list. */
        Page_TerminalView: {
            /** @description The rows. */
            items: components["schemas"]["TerminalView"][];
            /** @description Cursor of the next page; none when this was the last. */
            next: string | null;
        };
        /** @description A part of a list. */
        Page_TestedRepositoryView: {
            /** @description The rows. */
            items: components["schemas"]["TestedRepositoryView"][];
            /** @description Cursor of the next page; none when this was the last. */
            next: string | null;
        };
        /** @description A part of a list. */
        Page_TokenView: {
            /** @description The rows. */
            items: components["schemas"]["TokenView"][];
            /** @description Cursor of the next page; none when this was the last. */
            next: string | null;
        };
        /** @description A part of a list. */
        Page_UploadView: {
            /** @description The rows. */
            items: components["schemas"]["UploadView"][];
            /** @description Cursor of the next page; none when this was the last. */
            next: string | null;
        };
        /** @description A part of a list. */
        Page_UserView: {
            /** @description The rows. */
            items: components["schemas"]["UserView"][];
            /** @description Cursor of the next page; none when this was the last. */
            next: string | null;
        };
        /** @description A part of a list. */
        Page_ValuesRevisionView: {
            /** @description The rows. */
            items: components["schemas"]["ValuesRevisionView"][];
            /** @description Cursor of the next page; none when this was the last. */
            next: string | null;
        };
        /** @description A part of a list. */
        Page_WorkflowView: {
            /** @description The rows. */
            items: components["schemas"]["WorkflowView"][];
            /** @description Cursor of the next page; none when this was the last. */
            next: string | null;
        };
        /** @description Where two logs part. */
        PartingView: {
            /** @description What the earlier one said from there on, the first few lines. */
            before: known.LogLine[];
            /** @description Whether they differ at all. Names of releases, times and durations don't count. */
            differs: boolean;
            /** @description What the later one said from there on, the first few lines. */
            now: known.LogLine[];
            /**
             * Format: int64
             * @description Lines at the beginning that are the same.
             */
            same: number;
            /** @description They are the same as far as they were compared, which is the first 200,000 lines or so. */
            truncated: boolean;
        };
        /** @description The password of the login, used once and kept nowhere. */
        PasswordBody: {
            password: string;
        };
        /** @description A new password, and the one that it replaces. */
        PasswordChange: {
            /** @description At least 12 characters. */
            new: string;
            old: string;
        };
        /** @description What differs in one file. */
        PatchView: {
            /** @description Unified; at most 256 KiB. */
            patch: string;
            truncated: boolean;
        };
        /**
         * @description What lets a paused deployment go on.
         * @enum {string}
         */
        PauseKind: "confirm" | "until" | "held";
        /** @description Why a deployment stands still. */
        PauseView: {
            /** @description When it goes on by itself. */
            at?: string;
            /** @description confirm: a person lets the next batch go; until: the clock does; held: hosts failed and a person decides. */
            kind: components["schemas"]["PauseKind"];
            /**
             * Format: int32
             * @description The batch that waits, from 2.
             */
            next_batch?: number;
            /** @description What failed. */
            reason?: string;
        };
        /** @description When davit merges in a repository. */
        PolicyView: {
            /** Format: int32 */
            approvals: number;
            by: components["schemas"]["MergeWay"][];
            /** @description The label that asks for it, where one does. */
            label: string | null;
            method: components["schemas"]["MergeMethod"];
            queue: boolean;
            /** @description Globs of contexts; empty: every known check. */
            required: string[];
        };
        /** @description What would be sent. */
        PreviewView: {
            /** @description The text, marked up as the channel's vendor takes it. */
            text: string;
        };
        /** @description What went wrong. */
        Problem: {
            /** @description For machines; never changes. */
            code: string;
            /** @description For people: what happened and what to do. */
            detail: string;
            /** @description Mistakes in a document, each with its place. */
            errors?: components["schemas"]["Mistake"][];
            /**
             * Format: int32
             * @description The HTTP status.
             */
            status: number;
            /** @description The status in words. */
            title: string;
            /** @description Always `about:blank`: the code says it all. */
            type: string;
        };
        /** @description What is to change of one's own profile; what is left out stays. */
        ProfileBody: {
            display_name?: string | null;
            email?: string | null;
        };
        /**
         * @description How accounts of an identity provider sign in.
         * @enum {string}
         */
        ProviderKind: "oidc" | "ldap";
        /** @description An identity provider. */
        ProviderView: {
            id: string;
            /** @description `oidc`: sign in at `/auth/oidc/ID/start`. `ldap`: with its name and password, here. */
            kind: components["schemas"]["ProviderKind"];
            name: string;
        };
        /** @description How one can sign in. */
        Providers: {
            items: components["schemas"]["ProviderView"][];
            /** @description Whether name and password are asked for: always. */
            password: boolean;
        };
        /** @description davit's own key. */
        PublicKey: {
            /** @description A line for `authorized_keys`. */
            public_key: string;
        };
        /** @description A host, forge, repository or channel. */
        PutBody: {
            /** @description The form that the person saw, `null` where there was none; absent: whatever there is is replaced. */
            base?: object | null;
            /** @description Whether to stop when everything is checked. */
            dry_run?: boolean;
            /** @description What `[[host]]`, `[[forge]]`, `[[repository]]` or `[[channel]]` says, without what the address says. */
            form: object;
            /** @description Values of what the form names as `{ "secret": "name" }`, by that name. What is absent stays as it is stored. */
            secrets?: {
                [key: string]: string;
            };
        };
        /** @description A change in a merge queue. */
        QueueView: {
            /** Format: int64 */
            change_id: number;
            /** Format: int64 */
            number: number;
            /** @description From 1. */
            position: number;
            reason: string | null;
            /** @description waiting, testing, merged, failed, withdrawn. */
            state: string;
            title: string;
        };
        /** @description Shown this once. */
        RecoveryCodes: {
            recovery_codes: string[];
        };
        /** @description A branch or tag. */
        RefView: {
            at: string;
            commit: string;
            name: string;
            subject: string;
        };
        /** @description Branches and tags. */
        Refs: {
            branches: components["schemas"]["RefView"][];
            /** @description How many there are in all, of those that were asked for. */
            branches_total: number;
            tags: components["schemas"]["RefView"][];
            tags_total: number;
        };
        /** @description Why not. */
        RejectBody: {
            reason: string;
            /**
             * Format: int64
             * @description The version that was seen.
             */
            version?: number | null;
        };
        /** @description How it goes out. */
        ReleaseBody: {
            /** @description Why it can't wait for locks, freeze windows and release windows to end. */
            override_reason?: string | null;
            /**
             * Format: int64
             * @description The version that was seen: another one is not released.
             */
            version?: number | null;
        };
        /**
         * @description How a release is made: in six steps, or by the author's own actions.
         * @enum {string}
         */
        ReleaseMode: "regular" | "custom";
        /** @description A kept release. */
        ReleaseView: {
            at: string;
            /** @description Those of them that the release config means now. */
            available_on: string[];
            /** @description Whether its build is kept, so that hosts that lack it can get it. */
            build: boolean;
            by: string;
            commit: string;
            /** Format: int64 */
            deployment: number;
            /** @description All that keep it. */
            hosts: string[];
            live: boolean;
            /** @description Those that the release config means now and that no longer have it, or never had. */
            missing_on: string[];
            release: string;
            title: string;
        };
        /** @description A repository at the forge. */
        RepositoryBody: {
            /** @description `owner/name`. */
            repository: string;
        };
        /** @description Where an app's source lives. */
        RepositoryView: {
            forge: string | null;
            name: string | null;
            url: string | null;
        };
        /**
         * @description What is asked for, and by whom.
         * @enum {string}
         */
        RequestKind: "regular" | "rollback" | "auto";
        /**
         * @description Where a request stands.
         * @enum {string}
         */
        RequestState: "awaiting_review" | "awaiting_release" | "releasing" | "succeeded" | "failed" | "rejected" | "withdrawn" | "cancelled" | "superseded";
        /** @description A release request. */
        RequestView: {
            allowed: components["schemas"]["Allowed"];
            app: string;
            /** @description Those that count, or counted when it went out. */
            approvals: components["schemas"]["ApprovalView"][];
            /** @description When the first of the approvals stops to count. */
            approvals_expire_at: string | null;
            /** @description Whose account that is: the same, or the one that a forge's account is linked with. */
            author: string;
            /**
             * Format: int64
             * @description The number of the batch that it was made in.
             */
            batch: number | null;
            /** @description The digest of the build that was asked for; none: the one of the commit. */
            build: string | null;
            /**
             * Format: int64
             * @description Its number, while it is kept.
             */
            build_id: number | null;
            /**
             * Format: int64
             * @description The request that it is a clone of.
             */
            cloned_from: number | null;
            commit: string;
            created_at: string;
            created_by: string;
            decided_at: string | null;
            decided_by: string | null;
            /**
             * Format: int64
             * @description The latest deployment that carries it out.
             */
            deployment: number | null;
            /** @description May have several lines; may be empty. */
            description: string;
            /** @description Who edited it beside the author; none of them can approve it where authors can't. */
            editors: string[];
            environment: string;
            git_ref: string | null;
            /** @description Only these; none: all that the release config means. */
            hosts: string[] | null;
            /** Format: int64 */
            id: number;
            /** @description What was filled in, by name. */
            inputs: {
                [key: string]: string;
            };
            kind: components["schemas"]["RequestKind"];
            /**
             * Format: int64
             * @description The one that a request would get now; none: it is released there no more.
             */
            latest_revision: number | null;
            reason: string | null;
            /** Format: int32 */
            required_approvals: number;
            review: components["schemas"]["ReviewRuleView"];
            /** @description All that reviewers said, oldest first. */
            reviews: components["schemas"]["ReviewWordView"][];
            /**
             * Format: int64
             * @description The release config that it goes out with.
             */
            revision: number;
            scheduled_at: string | null;
            /** @description In whose name it goes out then. */
            scheduled_by: string | null;
            state: components["schemas"]["RequestState"];
            target_release: string | null;
            title: string;
            /** @description When it was edited or scheduled last. */
            updated_at: string | null;
            /**
             * Format: int64
             * @description Grows with every edit: what a reviewer saw.
             */
            version: number;
            /** @description What keeps it from going out now, in a sentence. */
            waits_for: string | null;
        };
        /** @description What to go back to. */
        RestoreBody: {
            app?: string | null;
            /** @description Only with an app. */
            environment?: string | null;
            /** Format: int64 */
            revision: number;
        };
        /** @description What came of it. */
        Restored: {
            /** @description Secrets that are not as they were then: they have no history, and stay as they are. */
            kept: string[];
            /**
             * Format: int64
             * @description The revision now.
             */
            revision: number;
        };
        /** @description Which hosts to try again. */
        RetryBody: {
            hosts?: components["schemas"]["RetryChoice"];
        };
        /**
         * @description All hosts, or those that did not end well.
         * @enum {string}
         */
        RetryChoice: "all" | "failed";
        /** @description Whose eyes it needs. */
        ReviewRuleView: {
            /**
             * Format: int64
             * @description For how long an approval counts, in seconds; none: for ever.
             */
            expires: number | null;
            /** @description When the first of the approvals stops to count. */
            expires_at: string | null;
            /** Format: int32 */
            required: number;
            /** @description `ana`, `group:leads`; empty: everybody who may review. */
            reviewers: string[];
            self_approval: boolean;
        };
        /**
         * @description What a reviewer says.
         * @enum {string}
         */
        ReviewVerdict: "approve" | "reject";
        /** @description What a reviewer said. */
        ReviewWordView: {
            at: string;
            reason: string | null;
            user: string;
            verdict: components["schemas"]["ReviewVerdict"];
            /**
             * Format: int64
             * @description Of which version.
             */
            version: number;
            /** @description Whether it counts no more: the request was edited, or too much time is over. */
            void: boolean;
        };
        /**
         * @description What an account may do, somewhere or everywhere.
         * @enum {string}
         */
        Role: "viewer" | "developer" | "reviewer" | "releaser" | "operator" | "admin";
        /**
         * @description A role on everything, or none.
         * @enum {string}
         */
        RoleOrNone: "viewer" | "developer" | "reviewer" | "releaser" | "operator" | "admin" | "none";
        /** @description What to go back to. Nothing: the newest good release that is not live. */
        RollbackBody: {
            to?: string | null;
        };
        /** @description What the caller may do with a run now. */
        RunAllowed: {
            approve: boolean;
            cancel: boolean;
            retry: boolean;
        };
        /** @description A run, and where the forge shows what started it. */
        RunDetail: components["schemas"]["RunView"] & {
            /**
             * Format: int64
             * @description davit's number of the change that it tests.
             */
            change_id: number | null;
            event_url: string | null;
        };
        /** @description A run with everything about it but its log. */
        RunFull: {
            allowed: components["schemas"]["RunAllowed"];
            annotations: components["schemas"]["AnnotationView"][];
            artifacts: components["schemas"]["ArtifactView"][];
            /** @description Every attempt at every job, oldest first. */
            jobs: components["schemas"]["JobView"][];
            run: components["schemas"]["RunDetail"];
            summaries: components["schemas"]["SummaryView"][];
        };
        /** @description What to run again. */
        RunRetryBody: {
            /** @enum {string} */
            what: "all";
        } | {
            /** @enum {string} */
            what: "failed";
        } | {
            /**
             * Format: int64
             * @description Its newest attempt.
             */
            job_id: number;
            /** @enum {string} */
            what: "job";
        };
        /**
         * @description Where a run stands.
         * @enum {string}
         */
        RunState: "awaiting_approval" | "queued" | "running" | "success" | "failure" | "cancelled" | "timed_out" | "skipped" | "error";
        /** @description A CI run of one workflow on one commit. */
        RunView: {
            approved_by: string | null;
            /** Format: int64 */
            attempt: number;
            by: string;
            /**
             * Format: int64
             * @description The forge's number of the change that it tests.
             */
            change: number | null;
            created_at: string;
            ended_at: string | null;
            forge: string;
            from_fork: boolean;
            git_ref: string | null;
            head_sha: string;
            /** Format: int64 */
            id: number;
            reason: string | null;
            repository: string;
            started_at: string | null;
            state: components["schemas"]["RunState"];
            /**
             * Format: int64
             * @description The newer run that took its place.
             */
            superseded_by: number | null;
            title: string;
            trigger: components["schemas"]["Trigger"];
            workflow: string;
            workflow_file: string;
        };
        /** @description A form, and the revision that was looked at. */
        SaveBody: {
            /**
             * Format: int64
             * @description None: there was no release config yet.
             */
            base_revision?: number | null;
            form: known.ConfigForm;
        };
        /** @description A release config in force. */
        SavedConfig: {
            app: string;
            environment: string;
            /** @description What `[[app.release]]` says, without `environment`; what is not there is as davit does it anyway. */
            form: known.ConfigForm;
            /** Format: int64 */
            revision: number;
            saved_at: string;
            saved_by: string;
        };
        /** @description Which hosts. */
        ScanBody: {
            /** @description Without it: every host over SSH. */
            names?: string[] | null;
        };
        /**
         * @description What became of a host's key.
         * @enum {string}
         */
        ScanStatus: "new" | "same" | "changed" | "failed";
        /** @description Something that was found. */
        SearchHit: {
            /** @description When it was made; of changes: when the forge last told something new. */
            at: string | null;
            /** @description What tells it from others. */
            detail: string;
            /** @description Its name in addresses: a key, a name, or davit's number. */
            key: string;
            kind: components["schemas"]["SearchKind"];
            /** @description Of requests, deployments, runs and changes. */
            state: string | null;
            title: string;
        };
        /**
         * @description What was found.
         * @enum {string}
         */
        SearchKind: "app" | "environment" | "host" | "forge" | "request" | "deployment" | "run" | "change" | "person" | "group";
        /** @description Whether one's account has a second factor. */
        SecondFactor: {
            /**
             * @description Whether starting one asks for the account's password. An account without one is asked for having signed in within
             *     ten minutes.
             */
            asks_password: boolean;
            enabled: boolean;
            /**
             * Format: int64
             * @description How many are unused.
             */
            recovery_codes_left: number;
        };
        /** @description A code that the authenticator app shows. */
        SecondFactorCode: {
            code: string;
        };
        /** @description That the account is one's own: its password, where it has one. */
        SecondFactorStart: {
            password?: string | null;
        };
        /** @description A value. */
        SecretBody: {
            value: string;
        };
        /**
         * @description Where a secret is kept.
         * @enum {string}
         */
        SecretPlace: "secret" | "env" | "file";
        /** @description Where a secret comes from. */
        SecretSource: {
            from: components["schemas"]["SecretPlace"];
            name: string;
            /** @description Whether it has a value. */
            set: boolean;
        };
        /** @description A secret, without its value. */
        SecretView: {
            name: string;
            updated_at: string;
        };
        /** @description Who is logged in, and to what. */
        Session: {
            public_url: string;
            user: components["schemas"]["SessionUser"];
            version: string;
        };
        /** @description The account that is logged in, with what it may do here and now: a token may leave less of it. */
        SessionUser: {
            display_name: string | null;
            email: string | null;
            /** @description Roles held somewhere. */
            grants: components["schemas"]["HeldGrant"][];
            /** @description Names of groups. */
            groups: string[];
            /** Format: int64 */
            id: number;
            name: string;
            role: components["schemas"]["Role"] | null;
            /** @description local, or the identity provider that made the account. */
            source: string;
            two_factor: boolean;
        };
        /** @description Open sessions. */
        Sessions: {
            items: components["schemas"]["LoginSession"][];
        };
        /** @description Whether the first account has still to be made. */
        SetUp: {
            needed: boolean;
        };
        /** @description Times that belong together, in seconds. */
        SpreadView: {
            /** @description How many there are. */
            count: number;
            /**
             * Format: int64
             * @description Half of them are shorter.
             */
            median: number;
            /**
             * Format: int64
             * @description Nine of ten are no longer.
             */
            p90: number;
        };
        /** @description A workflow to be started. */
        StartBody: {
            /** @description The workflow's file, in full or by its last part. */
            file: string;
            forge: string;
            /** @description What was entered, by name. */
            inputs?: {
                [key: string]: string;
            };
            /** @description A branch, tag or commit; without it the default branch. */
            ref?: string | null;
            /** @description `owner/name`. */
            repository: string;
        };
        /** @description What it caused. */
        Started: {
            app: string;
            /**
             * Format: int64
             * @description Its newest attempt.
             */
            deployment: number | null;
            environment: string;
            /** Format: int64 */
            request: number;
            /** @description The request's. */
            state: components["schemas"]["RequestState"];
            title: string;
        };
        /** @description A run that was made. */
        StartedView: {
            /** Format: int64 */
            id: number;
        };
        /**
         * @description Where a step runs.
         * @enum {string}
         */
        StepPlace: "server" | "host";
        /**
         * @description Where a step of a job stands.
         * @enum {string}
         */
        StepState: "queued" | "running" | "success" | "failure" | "cancelled" | "timed_out" | "skipped";
        /** @description One step, over all hosts. */
        StepView: {
            /**
             * Format: int32
             * @description 1 to 6; an action's place in its list plus 10.
             */
            number: number;
            /** @description Whether it runs once on the server, not on every host. */
            on_server: boolean;
            state: components["schemas"]["CellState"];
            title: string;
        };
        /** @description In which portions hosts go, and what happens when some fail. As in `davit.toml`. */
        StrategyView: {
            /** @description `2`, `25%`, or names with commas; empty: all at once. */
            batches: string[];
            /** Format: int32 */
            max_failures: number;
            /** @description revert or hold. */
            on_failure: string;
            /** @description none, confirm, or how long, such as `300s`. */
            pause: string;
        };
        /** @description What a step wrote for people. */
        SummaryView: {
            /** Format: int64 */
            job_id: number;
            markdown: string;
            /** Format: int32 */
            step: number;
        };
        /**
         * @description Why a shell ended.
         * @enum {string}
         */
        TerminalEnd: "exited" | "idle" | "longest" | "ended" | "signed_out" | "denied" | "draining" | "too_big" | "unrecorded" | "lost" | "disconnected" | "unreachable";
        /**
         * @description Where a shell stands.
         * @enum {string}
         */
        TerminalState: "waiting" | "open" | "closed";
        /** @description A shell that somebody has or had. */
        TerminalView: {
            /**
             * Format: int64
             * @description What it has shown.
             */
            bytes: number;
            closed_at: string | null;
            /** @description Who ended it. */
            ended_by: string | null;
            /** Format: int32 */
            exit_code: number | null;
            host: string;
            /** Format: int64 */
            id: number;
            /** @description Whether the caller may end it. */
            may_end: boolean;
            /** @description Whether the caller may see its recording. */
            may_play: boolean;
            /** @description Whether it is the caller's own. */
            mine: boolean;
            opened_at: string;
            /** @description From where. */
            origin: string | null;
            reason: components["schemas"]["TerminalEnd"] | null;
            recorded: boolean;
            state: components["schemas"]["TerminalState"];
            user: string;
        };
        /** @description A repository that davit tests. */
        TestedRepositoryView: {
            executor: components["schemas"]["Executor"];
            forge: string;
            /** @description Whether davit merges its changes. */
            merge: boolean;
            name: string;
            /** @description Whether its jobs have a network. */
            network: boolean;
            /** @description Whether changes are tested merged with their base before. */
            queue: boolean;
            /** @description Whether its jobs may do whatever the server's user may. */
            trusted: boolean;
        };
        /** @description A token, without its text. */
        TokenView: {
            created_at: string;
            expires_at: string | null;
            /** Format: int64 */
            id: number;
            last_used_at: string | null;
            name: string;
            role: components["schemas"]["Role"] | null;
            /** @description Only there; null: everywhere. */
            scopes: string[] | null;
        };
        /** @description How files get to hosts. As in `davit.toml`. */
        TransferView: {
            /** @description auto, always or never. */
            compress: string;
            /** @description copy or hardlink. */
            unchanged: string;
            /** @description sent or full. */
            verify: string;
        };
        /** @description What came of a try. */
        TriedView: {
            /** @description Why not; empty where it did. */
            detail: string;
            /** @description Whether the receiver took it. */
            ok: boolean;
        };
        /**
         * @description What started a run, in the words of workflow files.
         * @enum {string}
         */
        Trigger: "push" | "pull_request" | "workflow_dispatch" | "schedule" | "merge_group";
        /** @description An uploaded file, for the transfers of a custom release config. */
        UploadView: {
            app: string;
            /** Format: int64 */
            bytes: number;
            created_at: string;
            created_by: string;
            digest: string;
            /** Format: int64 */
            id: number;
            /** @description What transfers call it; the newest of a name counts. */
            name: string;
        };
        /** @description What is to change; what is left out stays. */
        UserBody: {
            disabled?: boolean | null;
            display_name?: string | null;
            email?: string | null;
            role?: components["schemas"]["RoleOrNone"] | null;
        };
        /** @description An account with everything around it. */
        UserDetail: components["schemas"]["UserView"] & {
            /** @description Its own and those of its groups. */
            grants: components["schemas"]["GrantView"][];
            identities: components["schemas"]["IdentityView"][];
            tokens: components["schemas"]["TokenView"][];
        };
        /** @description An account. */
        UserView: {
            created_at: string;
            disabled: boolean;
            display_name: string | null;
            email: string | null;
            /** @description Names of groups. */
            groups: string[];
            /** Format: int64 */
            id: number;
            last_seen_at: string | null;
            /** @description After too many wrong passwords. */
            locked_until: string | null;
            name: string;
            /** @description On everything; none: only what grants give. */
            role: components["schemas"]["RoleOrNone"];
            /** @description local, or the identity provider that made it. */
            source: string;
            two_factor: boolean;
        };
        /**
         * @description What became of a value.
         * @enum {string}
         */
        ValueChangeKind: "set" | "changed" | "removed";
        /** @description What became of a value. */
        ValueChangeView: {
            after: string | null;
            before: string | null;
            change: components["schemas"]["ValueChangeKind"];
            key: string;
            /** @description What it is, or was before it was removed. */
            kind: components["schemas"]["ValueKind"];
        };
        /**
         * @description What a value is: its own text, shown or not, or read on the server.
         * @enum {string}
         */
        ValueKind: "plain" | "secret" | "env" | "file";
        /**
         * @description Where a value is set.
         * @enum {string}
         */
        ValueLevel: "global" | "app" | "environment";
        /** @description A value. */
        ValueView: {
            /** @description Where it is set: global, app or environment. */
            from: components["schemas"]["ValueLevel"];
            key: string;
            kind: components["schemas"]["ValueKind"];
            /** @description Whether a more general scope has one of this name too. */
            overrides: boolean;
            updated_at: string;
            updated_by: string;
            /** @description The text, the name of the variable or the path of the file; none of a secret. */
            value: string | null;
        };
        /** @description A change of a scope. */
        ValuesBody: {
            app?: string | null;
            /**
             * Format: int64
             * @description The revision that was looked at; 0: none yet.
             */
            base_revision: number;
            /** @description Only with an app. */
            environment?: string | null;
            /** @description Names of what is taken away. */
            remove?: string[];
            /** @description What is set, by name. */
            set?: {
                [key: string]: components["schemas"]["NewValueBody"];
            };
        };
        /** @description What differs between two revisions. */
        ValuesDiff: {
            changes: components["schemas"]["ValueChangeView"][];
            /** Format: int64 */
            from: number;
            /** Format: int64 */
            to: number;
        };
        /** @description One save of a scope. */
        ValuesRevisionView: {
            at: string;
            by: string;
            changes: components["schemas"]["ValueChangeView"][];
            /** Format: int64 */
            revision: number;
        };
        /** @description The values of a scope. */
        ValuesView: {
            items: components["schemas"]["ValueView"][];
            may: components["schemas"]["MayView"];
            /**
             * Format: int64
             * @description Of this scope, without what it inherits; 0: nothing was saved yet.
             */
            revision: number;
            scope: components["schemas"]["ValueLevel"];
        };
        /**
         * @description What became of a delivery.
         * @enum {string}
         */
        Verdict: "received" | "processed" | "ignored" | "failed";
        /**
         * @description What a workflow asks for when it is started.
         * @enum {string}
         */
        WorkflowInputType: "string" | "boolean" | "number" | "environment" | "choice";
        /** @description What is asked for when a person starts a workflow. */
        WorkflowInputView: {
            default: string | null;
            description: string | null;
            name: string;
            /** @description Of a choice. */
            options: string[];
            required: boolean;
            type: components["schemas"]["WorkflowInputType"];
        };
        /** @description A workflow file. */
        WorkflowView: {
            /** @description Whether people may start it: it has `on.workflow_dispatch` and no mistakes. */
            can_start: boolean;
            /** @description What is wrong with it, each with its place. */
            errors: string[];
            file: string;
            inputs: components["schemas"]["WorkflowInputView"][];
            name: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    get_alerts: {
        parameters: {
            query?: {
                /** @description true: those that are over as well. */
                ended?: boolean;
                /** @description 1 to 200; 50 without it. */
                limit?: number;
                /** @description `next` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_AlertView"];
                };
            };
        };
    };
    post_apply: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ApplyBody"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Applied"];
                };
            };
        };
    };
    get_apps: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_AppItem"];
                };
            };
        };
    };
    post_apps: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewApp"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Declared"];
                };
            };
        };
    };
    get_apps_app: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                app: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AppFull"];
                };
            };
        };
    };
    delete_apps_app: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                app: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    patch_apps_app: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                app: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AppChange"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Declared"];
                };
            };
        };
    };
    get_apps_app_builds: {
        parameters: {
            query?: {
                /** @description 1 to 200; 50 without it. */
                limit?: number;
                /** @description `next` of the page before. */
                cursor?: string;
            };
            header?: never;
            path: {
                app: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_BuildView"];
                };
            };
        };
    };
    post_apps_app_builds: {
        parameters: {
            query?: {
                /** @description For people; without it, the name. */
                title?: string;
                /** @description Of the file that it was. */
                name?: string;
            };
            header?: never;
            path: {
                app: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/octet-stream": number[];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BuildView"];
                };
            };
        };
    };
    get_apps_app_commits: {
        parameters: {
            query?: {
                /** @description Of this branch or tag; without it: the default branch. */
                ref?: string;
                /** @description Each word of it is in subject or author, or it is the beginning of the SHA. */
                q?: string;
                /** @description Those after this SHA. */
                before?: string;
                /** @description 1 to 200; 50 without it. */
                limit?: number;
            };
            header?: never;
            path: {
                app: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_CommitView"];
                };
            };
        };
    };
    get_apps_app_configs_environment: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                app: string;
                environment: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SavedConfig"];
                };
            };
        };
    };
    put_apps_app_configs_environment: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                app: string;
                environment: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SaveBody"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SavedConfig"];
                };
            };
        };
    };
    delete_apps_app_configs_environment: {
        parameters: {
            query?: {
                /** @description Refused when another one is in force. */
                base_revision?: number;
            };
            header?: never;
            path: {
                app: string;
                environment: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    post_apps_app_configs_environment_check: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                app: string;
                environment: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CheckBody"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConfigCheckView"];
                };
            };
        };
    };
    post_apps_app_configs_environment_clone: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                app: string;
                environment: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CloneConfigBody"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SavedConfig"];
                };
            };
        };
    };
    post_apps_app_configs_environment_dry_run: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                app: string;
                environment: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DryRunBody"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DryRunView"];
                };
            };
        };
    };
    get_apps_app_configs_environment_revisions: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                app: string;
                environment: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_ConfigRevisionView"];
                };
            };
        };
    };
    get_apps_app_configs_environment_revisions_diff: {
        parameters: {
            query: {
                /** @description 0: an empty text. */
                from: number;
                to: number;
            };
            header?: never;
            path: {
                app: string;
                environment: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConfigDiff"];
                };
            };
        };
    };
    get_apps_app_configs_environment_revisions_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                app: string;
                environment: string;
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConfigRevisionFull"];
                };
            };
        };
    };
    post_apps_app_configs_environment_revisions_id_restore: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                app: string;
                environment: string;
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SavedConfig"];
                };
            };
        };
    };
    get_apps_app_configs_environment_toml: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                app: string;
                environment: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
        };
    };
    post_apps_app_environments_environment_deploy: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string | null;
            };
            path: {
                app: string;
                environment: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DeployBody"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestView"];
                };
            };
        };
    };
    get_apps_app_environments_environment_diff: {
        parameters: {
            query: {
                /** @description A full SHA. */
                commit: string;
            };
            header?: never;
            path: {
                app: string;
                environment: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DiffView"];
                };
            };
        };
    };
    get_apps_app_environments_environment_diff_file: {
        parameters: {
            query: {
                /** @description A full SHA. */
                commit: string;
                /** @description As the list of files has it. */
                path: string;
            };
            header?: never;
            path: {
                app: string;
                environment: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PatchView"];
                };
            };
        };
    };
    get_apps_app_environments_environment_live: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                app: string;
                environment: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_LiveCheckView"];
                };
            };
        };
    };
    post_apps_app_environments_environment_live: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                app: string;
                environment: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_LiveCheckView"];
                };
            };
        };
    };
    get_apps_app_environments_environment_releases: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                app: string;
                environment: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_ReleaseView"];
                };
            };
        };
    };
    post_apps_app_environments_environment_rollback: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string | null;
            };
            path: {
                app: string;
                environment: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RollbackBody"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestView"];
                };
            };
        };
    };
    get_apps_app_refs: {
        parameters: {
            query?: {
                /** @description Each word of it is in their names. */
                q?: string;
                /** @description Of each, 1 to 2000; 500 without it. */
                limit?: number;
                /** @description Of each, without the first ones. */
                skip?: number;
            };
            header?: never;
            path: {
                app: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Refs"];
                };
            };
        };
    };
    get_apps_app_uploads: {
        parameters: {
            query?: {
                /** @description 1 to 200; 50 without it. */
                limit?: number;
                /** @description `next` of the page before. */
                cursor?: string;
            };
            header?: never;
            path: {
                app: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_UploadView"];
                };
            };
        };
    };
    post_apps_app_uploads: {
        parameters: {
            query: {
                /** @description What transfers call it. */
                name: string;
            };
            header?: never;
            path: {
                app: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/octet-stream": number[];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UploadView"];
                };
            };
        };
    };
    get_artifacts_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/gzip": number[];
                };
            };
        };
    };
    get_auth_providers: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Providers"];
                };
            };
        };
    };
    get_batches_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BatchView"];
                };
            };
        };
    };
    post_batches_id_approve: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["BatchReasonBody"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BatchAnswers"];
                };
            };
        };
    };
    post_batches_id_reject: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["BatchReasonBody"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BatchAnswers"];
                };
            };
        };
    };
    post_batches_id_release: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["BatchReasonBody"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BatchAnswers"];
                };
            };
        };
    };
    post_batches_id_withdraw: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["BatchReasonBody"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BatchAnswers"];
                };
            };
        };
    };
    get_builds_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BuildView"];
                };
            };
        };
    };
    get_caches: {
        parameters: {
            query: {
                forge: string;
                /** @description `owner/name`. */
                repository: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_CacheView"];
                };
            };
        };
    };
    delete_caches_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    get_changes: {
        parameters: {
            query?: {
                forge?: string;
                repository?: string;
                /** @description open, merged, closed or all; without it: open. */
                state?: string;
                /** @description The forge's number. */
                number?: number;
                /** @description 1 to 200; 50 without it. */
                limit?: number;
                /** @description `next` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_ChangeView"];
                };
            };
        };
    };
    get_changes_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChangeFull"];
                };
            };
        };
    };
    post_changes_id_merge: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["MergeBody"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChangeView"];
                };
            };
        };
    };
    delete_changes_id_merge: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChangeView"];
                };
            };
        };
    };
    post_changes_id_refresh: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChangeView"];
                };
            };
        };
    };
    get_channels: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_ChannelView"];
                };
            };
        };
    };
    get_channels_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Declared"];
                };
            };
        };
    };
    put_channels_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PutBody"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Declared"];
                };
            };
        };
    };
    delete_channels_id: {
        parameters: {
            query?: {
                /** @description Names of stored secrets that nothing else names, with commas between them. Without it they stay. */
                secrets?: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    get_channels_id_preview: {
        parameters: {
            query: {
                /**
                 * @description `review_requested`, `reviewed`, `released`, `succeeded`, `failed`, `rolled_back`, `window_overridden`,
                 *     `host_down`, `host_up`, `status_undeliverable` or `run_failed`.
                 */
                event: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PreviewView"];
                };
            };
        };
    };
    post_channels_id_test: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TriedView"];
                };
            };
        };
    };
    get_deliveries: {
        parameters: {
            query?: {
                forge?: string;
                /** @description received, processed, ignored, failed. */
                verdict?: string;
                /** @description The forge's word. */
                event?: string;
                /** @description `owner/name`. */
                repository?: string;
                /** @description Words in the summary, the reason, the repository or the forge's id. */
                search?: string;
                /** @description 1 to 200; 50 without it. */
                limit?: number;
                /** @description `next` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_DeliveryView"];
                };
            };
        };
    };
    get_deliveries_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeliveryFullView"];
                };
            };
        };
    };
    post_deliveries_id_replay: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeliveryView"];
                };
            };
        };
    };
    get_delivery: {
        parameters: {
            query?: {
                /** @description How many days, today included: 1 to 366; 30 without it. */
                days?: number;
                /** @description Of this app alone. */
                app?: string;
                /** @description To this environment alone. */
                environment?: string;
                /** @description Whose days: an IANA time zone, such as `Europe/Berlin`; UTC without it. */
                timezone?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeliveryFigures"];
                };
            };
        };
    };
    get_deployments: {
        parameters: {
            query?: {
                app?: string;
                environment?: string;
                state?: string;
                /** @description 1 to 200; 50 without it. */
                limit?: number;
                /** @description `next` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_DeploymentSummary"];
                };
            };
        };
    };
    get_deployments_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeploymentFull"];
                };
            };
        };
    };
    post_deployments_id_cancel: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeploymentSummary"];
                };
            };
        };
    };
    get_deployments_id_compare: {
        parameters: {
            query?: {
                /** @description The number of an earlier deployment of the same app. Without it: the attempt before, or the deployment before. */
                with?: number;
            };
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Comparison"];
                };
            };
        };
    };
    get_deployments_id_compare_lines: {
        parameters: {
            query: {
                /** @description The number of an earlier deployment of the same app. Without it: the attempt before, or the deployment before. */
                with?: number;
                /** @description Lines of this host; `-`, and without it: of the server. */
                host?: string;
                /** @description Lines of the step with this number. */
                step: number;
            };
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PartingView"];
                };
            };
        };
    };
    post_deployments_id_continue: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeploymentSummary"];
                };
            };
        };
    };
    post_deployments_id_hosts_host_retry: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
                host: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeploymentSummary"];
                };
            };
        };
    };
    post_deployments_id_hosts_host_skip: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
                host: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Because"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeploymentSummary"];
                };
            };
        };
    };
    get_deployments_id_log_txt: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
        };
    };
    get_deployments_id_logs: {
        parameters: {
            query?: {
                /** @description Lines after this number. */
                after?: number;
                /** @description Of this host; `-` is the server. */
                host?: string;
                /** @description Of the step with this number. */
                step?: number;
                /** @description 1 to 5000; 1000 without it. */
                limit?: number;
            };
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Lines"];
                };
            };
        };
    };
    get_deployments_id_logs_search: {
        parameters: {
            query: {
                /** @description The text, without regard to case. Colours are not part of a line. */
                q: string;
                /** @description Lines of this host; `-` is the server. */
                host?: string;
                /** @description Lines of the step with this number. */
                step?: number;
                /** @description Lines around this one are named; 1 without it. */
                from?: number;
            };
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LogMatches"];
                };
            };
        };
    };
    get_deployments_id_logs_stream: {
        parameters: {
            query?: {
                /** @description Lines after this number; `Last-Event-ID` counts more. */
                after?: number;
            };
            header?: {
                "Last-Event-ID"?: number | null;
            };
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description events `line`, `state`, `end` */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": unknown;
                };
            };
        };
    };
    get_deployments_id_logs_window: {
        parameters: {
            query?: {
                /** @description From this place on among the lines that are shown, counted from 0. */
                place?: number;
                /** @description Instead of `place`: from the line with this number on. */
                line?: number;
                /** @description Of this host; `-` is the server. */
                host?: string;
                /** @description Of the step with this number. */
                step?: number;
                /** @description 1 to 5000; 1000 without it. */
                limit?: number;
            };
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LogWindow"];
                };
            };
        };
    };
    post_deployments_id_override: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Because"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeploymentSummary"];
                };
            };
        };
    };
    post_deployments_id_revert: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Because"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeploymentSummary"];
                };
            };
        };
    };
    get_doctor: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DoctorView"];
                };
            };
        };
    };
    get_environments: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_EnvironmentView"];
                };
            };
        };
    };
    get_environments_environment: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                environment: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Declared"];
                };
            };
        };
    };
    put_environments_environment: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                environment: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EnvironmentBody"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Declared"];
                };
            };
        };
    };
    delete_environments_environment: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                environment: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    get_environments_environment_gates: {
        parameters: {
            query?: {
                /** @description Without it: what holds for every app. */
                app?: string;
            };
            header?: never;
            path: {
                environment: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GateView"];
                };
            };
        };
    };
    get_events: {
        parameters: {
            query?: {
                /** @description How many milliseconds ago the caller began to read what it shows. What changed meanwhile is sent first. */
                age_ms?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description events `change`, `lost` */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": unknown;
                };
            };
        };
    };
    get_export: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
        };
    };
    get_feed: {
        parameters: {
            query?: {
                /** @description By whom. */
                actor?: string;
                /** @description What: one of `/feed/actions`. */
                action?: string;
                /** @description To what. */
                subject?: string;
                /** @description Of which app. */
                app?: string;
                /** @description In which environment. */
                environment?: string;
                /** @description Not before this: a day (UTC) or a moment (RFC 3339). */
                from?: string;
                /** @description Up to the end of this day, or before this moment. */
                to?: string;
                /** @description A text in actor, subject or detail. */
                q?: string;
                /** @description 1 to 200; 50 without it. */
                limit?: number;
                /** @description Entries before the one of this number. */
                before?: number;
                /** @description `next` of the page before: the same in other words. */
                cursor?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_EntryView"];
                };
            };
        };
    };
    get_feed_actions: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_String"];
                };
            };
        };
    };
    get_feed_export: {
        parameters: {
            query?: {
                /** @description By whom. */
                actor?: string;
                /** @description What: one of `/feed/actions`. */
                action?: string;
                /** @description To what. */
                subject?: string;
                /** @description Of which app. */
                app?: string;
                /** @description In which environment. */
                environment?: string;
                /** @description Not before this: a day (UTC) or a moment (RFC 3339). */
                from?: string;
                /** @description Up to the end of this day, or before this moment. */
                to?: string;
                /** @description A text in actor, subject or detail. */
                q?: string;
                /** @description csv without it. */
                format?: "csv" | "json";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the file */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/csv": unknown;
                };
            };
        };
    };
    get_forges: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_ForgeView"];
                };
            };
        };
    };
    get_forges_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ForgeView"];
                };
            };
        };
    };
    put_forges_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PutBody"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Declared"];
                };
            };
        };
    };
    delete_forges_id: {
        parameters: {
            query?: {
                /** @description Names of stored secrets that nothing else names, with commas between them. Without it they stay. */
                secrets?: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    post_forges_id_check: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RepositoryBody"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ForgeCheckView"];
                };
            };
        };
    };
    post_forges_id_deploy_key: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DeployKeyBody"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeployKeyView"];
                };
            };
        };
    };
    get_forges_id_form: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Declared"];
                };
            };
        };
    };
    post_forges_id_hook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RepositoryBody"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HookView"];
                };
            };
        };
    };
    get_grants: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_GrantView"];
                };
            };
        };
    };
    post_grants: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewGrant"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GrantView"];
                };
            };
        };
    };
    delete_grants_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    get_groups: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_GroupView"];
                };
            };
        };
    };
    post_groups: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewGroup"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GroupDetail"];
                };
            };
        };
    };
    get_groups_name: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GroupDetail"];
                };
            };
        };
    };
    delete_groups_name: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    patch_groups_name: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["GroupBody"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GroupDetail"];
                };
            };
        };
    };
    put_groups_name_members_user: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
                user: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    delete_groups_name_members_user: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
                user: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    get_hosts: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_HostView"];
                };
            };
        };
    };
    post_hosts_accept_keys: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AcceptKeysBody"];
            };
        };
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    post_hosts_import_known_hosts: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["KnownHostsBody"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["KeyImportView"];
                };
            };
        };
    };
    get_hosts_public_key: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PublicKey"];
                };
            };
        };
    };
    post_hosts_scan_keys: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ScanBody"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_KeyScanView"];
                };
            };
        };
    };
    get_hosts_name: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Declared"];
                };
            };
        };
    };
    put_hosts_name: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PutBody"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Declared"];
                };
            };
        };
    };
    delete_hosts_name: {
        parameters: {
            query?: {
                /** @description Names of stored secrets that nothing else names, with commas between them. Without it they stay. */
                secrets?: string;
            };
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    post_hosts_name_accept_key: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AcceptBody"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HostView"];
                };
            };
        };
    };
    post_hosts_name_install_key: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PasswordBody"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CheckView"];
                };
            };
        };
    };
    post_hosts_name_terminals: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewTerminal"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CreatedTerminal"];
                };
            };
        };
    };
    post_hosts_name_verify: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CheckView"];
                };
            };
        };
    };
    get_jobs_id_log_txt: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
        };
    };
    get_jobs_id_log_stream: {
        parameters: {
            query?: {
                /** @description Lines after this number; `Last-Event-ID` counts more. */
                after?: number;
            };
            header?: {
                "Last-Event-ID"?: number | null;
            };
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description events `line`, `state`, `end` */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": unknown;
                };
            };
        };
    };
    get_jobs_id_logs: {
        parameters: {
            query?: {
                /** @description Lines after this number. */
                after?: number;
                /** @description Of the step with this number. */
                step?: number;
                /** @description 1 to 5000; 1000 without it. */
                limit?: number;
            };
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobLines"];
                };
            };
        };
    };
    get_jobs_id_logs_outline: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobOutline"];
                };
            };
        };
    };
    get_jobs_id_logs_search: {
        parameters: {
            query: {
                /** @description The text, without regard to case. Colours are not part of a line. */
                q: string;
                /** @description Lines of the step with this number. */
                step?: number;
                /** @description Lines around this one are named; 1 without it. */
                from?: number;
            };
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LogMatches"];
                };
            };
        };
    };
    get_locks: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_LockView"];
                };
            };
        };
    };
    post_locks: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LockBody"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LockView"];
                };
            };
        };
    };
    delete_locks_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    get_outbox: {
        parameters: {
            query?: {
                /** @description waiting, leased, done, dead, superseded; several with commas between them. */
                state?: string;
                forge?: string;
                channel?: string;
                /** @description Words in the lane, the kind or the last error. */
                search?: string;
                /** @description 1 to 200; 50 without it. */
                limit?: number;
                /** @description `next` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_CallView"];
                };
            };
        };
    };
    get_outbox_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CallFullView"];
                };
            };
        };
    };
    post_outbox_id_retry: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CallView"];
                };
            };
        };
    };
    get_overview: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Overview"];
                };
            };
        };
    };
    get_repositories: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_TestedRepositoryView"];
                };
            };
        };
    };
    get_repositories_forge_repository: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                forge: string;
                /** @description `owner/name`, with its slashes or with `%2F` */
                repository: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Declared"];
                };
            };
        };
    };
    put_repositories_forge_repository: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                forge: string;
                /** @description `owner/name`, with its slashes or with `%2F` */
                repository: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PutBody"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Declared"];
                };
            };
        };
    };
    delete_repositories_forge_repository: {
        parameters: {
            query?: {
                /** @description Names of stored secrets that nothing else names, with commas between them. Without it they stay. */
                secrets?: string;
            };
            header?: never;
            path: {
                forge: string;
                /** @description `owner/name`, with its slashes or with `%2F` */
                repository: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    get_requests: {
        parameters: {
            query?: {
                /** @description One state. */
                state?: string;
                /** @description all, awaiting_review, awaiting_release, releasing, succeeded, failed, or other. */
                group?: "all" | "awaiting_review" | "awaiting_release" | "releasing" | "succeeded" | "failed" | "other";
                /** @description In title, description, commit, reference or author; or the number. */
                q?: string;
                app?: string;
                environment?: string;
                /** @description Who made them, as the list says it. */
                author?: string;
                /** @description The caller's own. */
                mine?: boolean;
                /** @description Those that the caller may approve or release. */
                waiting_for_me?: boolean;
                /** @description Those of a batch. */
                batch?: number;
                /** @description 1 to 200; 50 without it. */
                limit?: number;
                /** @description `next` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_RequestView"];
                };
            };
        };
    };
    post_requests_batch: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["BatchBody"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BatchView"];
                };
            };
        };
    };
    get_requests_counts: {
        parameters: {
            query?: {
                /** @description One state. */
                state?: string;
                /** @description all, awaiting_review, awaiting_release, releasing, succeeded, failed, or other. */
                group?: "all" | "awaiting_review" | "awaiting_release" | "releasing" | "succeeded" | "failed" | "other";
                /** @description In title, description, commit, reference or author; or the number. */
                q?: string;
                app?: string;
                environment?: string;
                /** @description Who made them, as the list says it. */
                author?: string;
                /** @description The caller's own. */
                mine?: boolean;
                /** @description Those that the caller may approve or release. */
                waiting_for_me?: boolean;
                /** @description Those of a batch. */
                batch?: number;
                /** @description 1 to 200; 50 without it. */
                limit?: number;
                /** @description `next` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Counts"];
                };
            };
        };
    };
    get_requests_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestView"];
                };
            };
        };
    };
    patch_requests_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EditBody"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestView"];
                };
            };
        };
    };
    post_requests_id_approve: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ApproveBody"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestView"];
                };
            };
        };
    };
    post_requests_id_clone: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CloneBody"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestView"];
                };
            };
        };
    };
    get_requests_id_diff: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DiffView"];
                };
            };
        };
    };
    get_requests_id_diff_file: {
        parameters: {
            query: {
                /** @description As the list of files has it. */
                path: string;
            };
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PatchView"];
                };
            };
        };
    };
    post_requests_id_reject: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RejectBody"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestView"];
                };
            };
        };
    };
    post_requests_id_release: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ReleaseBody"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestView"];
                };
            };
        };
    };
    post_requests_id_retry: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RetryBody"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestView"];
                };
            };
        };
    };
    post_requests_id_withdraw: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestView"];
                };
            };
        };
    };
    get_runs: {
        parameters: {
            query?: {
                forge?: string;
                repository?: string;
                /**
                 * @description awaiting_approval, queued, running, success, failure, cancelled, timed_out, skipped, error; several with commas
                 *     between them.
                 */
                state?: string;
                branch?: string;
                /** @description The forge's number of a change. */
                change?: number;
                /** @description The name or file of a workflow. */
                workflow?: string;
                /** @description push, pull_request, workflow_dispatch, schedule, merge_group. */
                trigger?: string;
                /** @description The full SHA of a commit. */
                head?: string;
                /** @description 1 to 200; 50 without it. */
                limit?: number;
                /** @description `next` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_RunView"];
                };
            };
        };
    };
    get_runs_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RunFull"];
                };
            };
        };
    };
    post_runs_id_approve: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ApproveRunBody"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RunView"];
                };
            };
        };
    };
    post_runs_id_cancel: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RunView"];
                };
            };
        };
    };
    post_runs_id_retry: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RunRetryBody"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RunView"];
                };
            };
        };
    };
    get_runs_id_search: {
        parameters: {
            query: {
                /** @description A part of a line, in any case. */
                q: string;
            };
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_FoundView"];
                };
            };
        };
    };
    get_search: {
        parameters: {
            query?: {
                /** @description Words of names and titles, a number with `#` or without, or the beginning of a commit (4 letters or more). */
                q?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_SearchHit"];
                };
            };
        };
    };
    get_secrets: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_SecretView"];
                };
            };
        };
    };
    put_secrets_name: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SecretBody"];
            };
        };
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    delete_secrets_name: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    get_session: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Session"];
                };
            };
        };
    };
    post_session: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LogIn"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Session"];
                };
            };
        };
    };
    delete_session: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    get_session_identities: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_IdentityView"];
                };
            };
        };
    };
    post_session_identities_link_code: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LinkBody"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LinkCode"];
                };
            };
        };
    };
    delete_session_identities_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    get_session_list: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Sessions"];
                };
            };
        };
    };
    delete_session_list: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    delete_session_list_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    post_session_password: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PasswordChange"];
            };
        };
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    patch_session_profile: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ProfileBody"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Session"];
                };
            };
        };
    };
    get_session_second_factor: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SecondFactor"];
                };
            };
        };
    };
    post_session_second_factor: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SecondFactorStart"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewSecondFactor"];
                };
            };
        };
    };
    delete_session_second_factor: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Ownership"];
            };
        };
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    post_session_second_factor_confirm: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SecondFactorCode"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RecoveryCodes"];
                };
            };
        };
    };
    post_session_second_factor_recovery_codes: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Ownership"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RecoveryCodes"];
                };
            };
        };
    };
    get_setup: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SetUp"];
                };
            };
        };
    };
    post_setup: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["FirstAccount"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Session"];
                };
            };
        };
    };
    get_terminals: {
        parameters: {
            query?: {
                /** @description On this host. */
                host?: string;
                /** @description Of this person. */
                user?: string;
                /** @description 1 to 200; 50 without it. */
                limit?: number;
                /** @description `next` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_TerminalView"];
                };
            };
        };
    };
    get_terminals_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TerminalView"];
                };
            };
        };
    };
    delete_terminals_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    get_terminals_id_recording: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the recording */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/x-asciicast": unknown;
                };
            };
        };
    };
    get_terminals_id_socket: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the socket */
            101: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    get_tokens: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_TokenView"];
                };
            };
        };
    };
    post_tokens: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewToken"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CreatedToken"];
                };
            };
        };
    };
    delete_tokens_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    get_users: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_UserView"];
                };
            };
        };
    };
    post_users: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewUser"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserDetail"];
                };
            };
        };
    };
    get_users_name: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserDetail"];
                };
            };
        };
    };
    delete_users_name: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    patch_users_name: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UserBody"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserDetail"];
                };
            };
        };
    };
    put_users_name_identities: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["IdentityBody"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserDetail"];
                };
            };
        };
    };
    delete_users_name_identities_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    post_users_name_password: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewPassword"];
            };
        };
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    delete_users_name_second_factor: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    get_users_name_sessions: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Sessions"];
                };
            };
        };
    };
    delete_users_name_sessions: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    get_users_name_tokens: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_TokenView"];
                };
            };
        };
    };
    post_users_name_unlock: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    get_values: {
        parameters: {
            query?: {
                app?: string;
                /** @description Only with an app. */
                environment?: string;
                /** @description Also what the scope has from more general ones. */
                inherited?: boolean;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValuesView"];
                };
            };
        };
    };
    put_values: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ValuesBody"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValuesView"];
                };
            };
        };
    };
    get_values_diff: {
        parameters: {
            query: {
                app?: string;
                /** @description Only with an app. */
                environment?: string;
                /** @description 0: nothing. */
                from: number;
                to: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValuesDiff"];
                };
            };
        };
    };
    get_values_history: {
        parameters: {
            query?: {
                app?: string;
                /** @description Only with an app. */
                environment?: string;
                /** @description 1 to 200; 50 without it. */
                limit?: number;
                /** @description `next` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_ValuesRevisionView"];
                };
            };
        };
    };
    post_values_restore: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RestoreBody"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Restored"];
                };
            };
        };
    };
    get_workflows: {
        parameters: {
            query: {
                forge: string;
                /** @description `owner/name`. */
                repository: string;
                /** @description A branch, tag or commit; without it the default branch. */
                ref?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_WorkflowView"];
                };
            };
        };
    };
    post_workflows_start: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["StartBody"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StartedView"];
                };
            };
        };
    };
}
