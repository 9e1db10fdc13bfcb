"""The operations that the gateway has. Every other one of the vendors' clients has to be refused."""

METASTUDIO = frozenset({
    "ShowSmartLiveUserConfig", "UpdateSmartLiveUserConfig",
    "CreateLivePlatform", "ListLivePlatforms", "ShowLivePlatform", "UpdateLivePlatform", "DeleteLivePlatform",
    "ShowLivePlatformAccessType", "ListLivePlatformProducts",
    "CreateSmartLiveRoom", "ListSmartLiveRooms", "ShowSmartLiveRoom", "UpdateSmartLiveRoom", "DeleteSmartLiveRoom",
    "ListSmartLiveJobs", "ListSmartLive", "ShowSmartLive", "StartSmartLive", "StopSmartLive",
    "ExecuteSmartLiveCommand",
})

ALIBABA = frozenset({
    "CreateEventSub", "UpdateEventSub", "DeleteEventSub", "ListEventSub", "ListEventSubEvent",
    "CreateRtcMPUEventSub", "UpdateRtcMPUEventSub", "DeleteRtcMPUEventSub", "DescribeRtcMPUEventSub",
    "ListRtcMPUEventSubRecord",
    "StartLiveMPUTask", "UpdateLiveMPUTask", "StopLiveMPUTask", "SetLiveMpuTaskSei", "ListRtcMPUTaskDetail",
})
