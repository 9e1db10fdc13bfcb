//! From a vendor's request to the message in the video: the layout of a relay task, resolved, and its
//! payload.

use livegate_core::layout::{Canvas, Fit, Layout, Member, Resolved};
use livegate_core::relay::{Source, Task, jocloud, mpu};
use livegate_core::sei::payload::{Alone, Extra, LayoutMessage, Profile, Sound};

fn artc(layout: &str) -> Task {
    let transcode = format!(
        r#"{{"UserInfos":[],"Layout":{{"UserPanes":[{layout}]}},"EncodeParams":{{"VideoWidth":"1280",
        "VideoHeight":"721","VideoFramerate":"15","VideoBitrate":"800","VideoGop":"2","AudioBitrate":"64",
        "AudioSampleRate":"48000","AudioChannels":"2"}}}}"#
    );
    let params = [
        ("AppId", "app"),
        ("ChannelId", "room"),
        ("TaskId", "task"),
        ("MixMode", "1"),
        ("StreamURL", "rtmp://push.example.com/live/a"),
        ("TranscodeParams", &*transcode),
        (
            "SeiParams",
            r#"{"LayoutVolume":{"Interval":"1000"},"PassThrough":{"PayloadContent":"x"}}"#,
        ),
    ];
    let params: &[(&str, &str)] = &params;
    mpu::start(params).unwrap()
}

fn resolved(task: &Task, users: &[&str]) -> Resolved {
    let Source::Mix(mix) = &task.source else { panic!("it is no mix") };
    let canvas = mix.encoding.canvas().unwrap().unwrap();
    let members: Vec<Member> = users.iter().map(|user| Member::new(*user)).collect();
    let arrangement = mix.arrangement().unwrap();
    Layout { canvas, arrangement }.resolve(&members).unwrap()
}

#[test]
fn a_request_of_alibabas_becomes_its_message() {
    let task = artc(
        r#"{"X":"0","Y":"0.25","Width":"0.5","Height":"0.5","ZOrder":"1"},
           {"X":"0.5018382","Y":"0.25","Width":"0.5","Height":"0.5","ZOrder":"1","RenderMode":"0"}"#,
    );
    let resolved = resolved(&task, &["111", "222"]);
    // An odd height loses its last row.
    assert_eq!(resolved.canvas, Canvas::new(1280, 720).unwrap());
    assert_eq!(resolved.panes()[1].fit, Fit::Inside);
    let sound = |member: &Member| match &*member.user {
        "111" => Sound { volume: 1, voice: 119 },
        _ => Sound { volume: 60, voice: 123 },
    };
    let mut message = LayoutMessage::from_resolved(&resolved, Alone::Placeless, &sound);
    let profile = task.profile();
    let pass = task.sei.pass_through.as_ref().unwrap();
    message.extras = vec![Extra::text(profile.pass_key(&pass.key), &*pass.content)];
    // 0.5018382 * 1280 = 642.35, nearest even 642, 642 / 1280 = 0.5015625; (1280 - 642) / 1280 =
    // 0.4984375.
    let expected = concat!(
        r#"{"stream":[{"uid":"111","paneid":0,"zorder":1,"x":0,"y":0.25,"w":0.5,"h":0.5,"type":0,"#,
        r#""ms":0,"vol":1,"vad":119},{"uid":"222","paneid":1,"zorder":1,"x":0.5015625,"y":0.25,"#,
        r#""w":0.4984375,"h":0.5,"type":0,"ms":0,"vol":60,"vad":123}],"udd":"x"}"#,
    );
    assert_eq!(profile.write(&message).unwrap(), expected);
}

#[test]
fn a_template_of_jocloud_is_laid_out() {
    let body = br#"{"appid":1,"roomid":"r","rtmpurl":"rtmp://a.example.com/live/a","streamtype":1,
        "taskid":"t","mixconfig":{"templateid":1,"output":{"width":1280,"height":720}}}"#;
    let task = jocloud::start(body, jocloud::Rules::default()).unwrap();
    let resolved = resolved(&task, &["a", "b"]);
    assert_eq!(resolved.panes()[1].rect.numbers(), [640, 0, 640, 720]);
    // Nothing is asked for, and the payload type is 5.
    assert_eq!(task.profile(), Profile::Alibaba);
}

#[test]
fn the_task_chooses_its_profile() {
    let mut task = artc(r#"{"X":"0","Y":"0","Width":"1","Height":"1","ZOrder":"0"}"#);
    // Alibaba's interface has payload types from 100 as well, with the same format.
    task.sei.payload_type = 100;
    assert_eq!(task.profile(), Profile::Alibaba);
    task.sei.custom = Some(r#"{"a":1}"#.to_owned());
    assert_eq!(task.profile(), Profile::Alibaba);
    (task.sei.layout_volume, task.sei.pass_through) = (None, None);
    assert_eq!(task.profile(), Profile::Custom);
    task.origin = livegate_core::relay::Origin::Livegate;
    task.sei.custom = None;
    assert_eq!(task.profile(), Profile::Agora);
    assert_eq!(Profile::Agora.pass_key("udd"), "app_data");
}

#[test]
fn a_custom_message_is_any_json_and_nothing_else() {
    let write = |text: &str| {
        let mut message = LayoutMessage::default();
        message.extras = vec![Extra::text("", text)];
        Profile::Custom.write(&message)
    };
    assert_eq!(write("[1, 2.50]").unwrap(), "[1, 2.50]");
    assert!(write("[1,").is_err() && write("").is_err());
    // 4,096 bytes with the quotes, and one more.
    assert!(write(&format!("\"{}\"", "x".repeat(4094))).is_ok());
    assert!(write(&format!("\"{}\"", "x".repeat(4095))).is_err());
    // Bytes count, as they do in the message: 2,048 letters of two bytes.
    assert!(write(&format!("\"{}\"", "\u{e9}".repeat(2048))).is_err());
}
